package drivertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
)

// keeping holds a driver that is a labs.Keeper to that comment. One that can't
// keep here has to say so at every turn.
func (s suite) keeping(t *testing.T) {
	k, ok := s.d.(labs.Keeper)
	if !ok {
		t.Log("this kind of driver keeps nothing")
		return
	}
	if err := k.Keeps(); err != nil {
		if !errors.Is(err, labs.ErrKeepsNothing) {
			t.Errorf("Keeps: %v", err)
		}
		if _, err := k.Snapshot(t.Context(), "any", "any"); !errors.Is(err, labs.ErrKeepsNothing) {
			t.Errorf("Snapshot: %v, want ErrKeepsNothing", err)
		}
		if err := s.d.Create(t.Context(), labs.Spec{ID: "from-none", From: "any"}); !errors.Is(err, labs.ErrKeepsNothing) {
			t.Errorf("Create: %v, want ErrKeepsNothing", err)
		}
		return
	}
	ks := keeperSuite{s, k}
	t.Run("files come back", ks.comeBack)
	t.Run("names", ks.names)
	t.Run("while it is written to", ks.busy)
	t.Run("a hostile tree", ks.hostile)
}

type keeperSuite struct {
	suite
	k labs.Keeper
}

// keep makes a snapshot that ends with the test.
func (s keeperSuite) keep(t *testing.T, id, name string) labs.Snapshot {
	t.Helper()
	t.Cleanup(func() {
		if err := s.k.RemoveSnapshot(context.WithoutCancel(t.Context()), name); err != nil {
			t.Errorf("remove snapshot %s: %v", name, err)
		}
	})
	got, err := s.k.Snapshot(t.Context(), id, name)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// made is what a learner may have made of a tree, and state is how it looks
// from inside, owners and all.
const (
	made = `set -e
mkdir -p /srv/work/deep && echo one >/srv/work/deep/file && ln -s file /srv/work/deep/link && ln /srv/work/deep/file /srv/work/deep/hard
chown 1234:2345 /srv/work/deep/file && chmod 4750 /srv/work/deep/file && touch -d 2001-02-03T04:05:06Z /srv/work/deep
rm -r /usr/share/doc /etc/motd 2>/dev/null || true
mv /opt /opt2 && echo changed >>/etc/profile && echo "10.0.0.7 box" >>/etc/hosts && mkfifo /srv/work/pipe
echo local >/usr/local/bin/tool || true`
	state = `cd /; stat -c '%n %u:%g %a %F %h' srv/work srv/work/* srv/work/deep/* opt2 root etc etc/hosts usr/local/bin/* 2>/dev/null
stat -c %Y srv/work/deep; cat srv/work/deep/link; readlink srv/work/deep/link; grep box etc/hosts; tail -1 etc/profile; ls -d usr/share/doc opt etc/motd 2>&1 | grep -v cannot; true`
)

func (s keeperSuite) comeBack(t *testing.T) {
	c := s.sandbox(t, s.spec("original"))
	must(t, c, made)
	want := must(t, c, state)
	snap := s.keep(t, "original", "kept-1")
	if snap.Name != "kept-1" || snap.Sandbox != "original" || snap.Image == "" || snap.Bytes <= 0 || snap.Created.IsZero() {
		t.Errorf("the snapshot says %+v", snap)
	}
	must(t, c, "echo later >/srv/work/later; rm /srv/work/deep/link; sleep 1 >/dev/null 2>&1 &") // it goes on

	// The copy has uids of its own beside the original's, both may write, and
	// neither sees the other.
	copied := s.sandbox(t, labs.Spec{ID: "copy", From: "kept-1"})
	if got := must(t, copied, state); got != want {
		t.Errorf("came back as\n%s\nwas\n%s", got, want)
	}
	must(t, copied, "test ! -e /srv/work/later && echo two >/srv/work/deep/file && useradd -m kim 2>/dev/null; touch /root/mine && chown 77 /root/mine && rm -rf /tmp/* && mkdir /srv/new")
	if got := must(t, c, "cat /srv/work/deep/file; cat /srv/work/later"); got != "one\nlater" {
		t.Errorf("the original has %q", got)
	}
	if s.features.UIDs {
		if a, b := must(t, c, "cat /proc/self/uid_map"), must(t, copied, "cat /proc/self/uid_map"); a == b {
			t.Errorf("they share uids: %s", a)
		}
	}

	// A copy of the copy, after both are gone, by a driver opened later.
	s.keep(t, "copy", "kept-2")
	for _, id := range []string{"original", "copy"} {
		if err := s.d.Destroy(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	later := s.open(t)
	t.Cleanup(func() { _ = later.Destroy(context.WithoutCancel(t.Context()), "grandchild") })
	if err := later.Create(t.Context(), labs.Spec{ID: "grandchild", From: "kept-2"}); err != nil {
		t.Fatal(err)
	}
	if got := must(t, Connect(t, later, "grandchild"), "cat /srv/work/deep/file; stat -c %u:%g /root/mine /srv/work/deep/file; ls -d /srv/new"); got != "two\n77:0\n1234:2345\n/srv/new" {
		t.Errorf("the copy of the copy has %q", got)
	}
}

func (s keeperSuite) names(t *testing.T) {
	c := s.sandbox(t, s.spec("named"))
	s.keep(t, "named", "taken")
	if _, err := s.k.Snapshot(t.Context(), "named", "taken"); err == nil {
		t.Error("a second snapshot has the name of the first")
	}
	for _, name := range []string{"", "../x", "UPPER", "a/b", ".", strings.Repeat("x", 41)} {
		if _, err := s.k.Snapshot(t.Context(), "named", name); err == nil {
			t.Errorf("Snapshot(%q) succeeded", name)
		}
		if err := s.k.RemoveSnapshot(t.Context(), name); err != nil {
			t.Errorf("RemoveSnapshot(%q): %v", name, err)
		}
	}
	for _, id := range []string{"nobody", "", "../named"} {
		if _, err := s.k.Snapshot(t.Context(), id, "of-nobody"); !errors.Is(err, labs.ErrNotFound) {
			t.Errorf("Snapshot of %q: %v, want ErrNotFound", id, err)
		}
	}
	for _, from := range []string{"nothing", "../taken", "of-nobody"} {
		if err := s.d.Create(t.Context(), labs.Spec{ID: "from-nothing", From: from}); !errors.Is(err, labs.ErrNoSnapshot) {
			t.Errorf("Create from %q: %v, want ErrNoSnapshot", from, err)
		}
	}
	if got := s.snapshots(t); !slices.Contains(got, "taken") || slices.Contains(got, "of-nobody") {
		t.Errorf("Snapshots lists %v", got)
	}
	if ids := s.list(t); slices.Contains(ids, "taken") || slices.Contains(ids, "from-nothing") {
		t.Errorf("List names what is no sandbox: %v", ids)
	}
	for range 2 {
		if err := s.k.RemoveSnapshot(t.Context(), "taken"); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Contains(s.snapshots(t), "taken") {
		t.Error("Snapshots lists what was removed")
	}
	must(t, c, "touch /root/alive")
}

func (s keeperSuite) snapshots(t *testing.T) (names []string) {
	t.Helper()
	all, err := s.k.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		names = append(names, one.Name)
	}
	return names
}

// busy keeps a sandbox whose writers don't rest: each copy is of one moment,
// and the writers never notice but by the clock.
func (s keeperSuite) busy(t *testing.T) {
	c := s.sandbox(t, s.spec("busy"))
	// A record is written before it is counted, so no moment has a count
	// without its record.
	must(t, c, `mkdir /srv/log; cat >/root/writer.sh <<'END'
i=0
while :; do
	i=$((i+1)); echo $i >/srv/log/$((i % 500)); sync /srv/log/$((i % 500)) 2>/dev/null; echo $i >/srv/next; mv /srv/next /srv/count
	rm -f /srv/log/$(((i+250) % 500))
done
END
nohup bash /root/writer.sh >/dev/null 2>&1 &`)
	must(t, c, "until [ -s /srv/count ] && [ $(cat /srv/count) -gt 20 ]; do sleep 0.05; done")
	for i := range 3 {
		name := fmt.Sprint("busy-", i)
		s.keep(t, "busy", name)
		copied := s.sandbox(t, labs.Spec{ID: "busy-copy", From: name})
		if got := must(t, copied, "n=$(cat /srv/count); [ $(cat /srv/log/$((n % 500))) -ge $n ] && echo whole"); got != "whole" {
			t.Errorf("copy %d: %s", i, got)
		}
		if err := s.d.Destroy(t.Context(), "busy-copy"); err != nil {
			t.Fatal(err)
		}
	}
	must(t, c, "n=$(cat /srv/count); until [ $(cat /srv/count) -gt $n ]; do sleep 0.05; done") // it still writes

	// Several at once, of one sandbox, each whole.
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { s.keep(t, "busy", fmt.Sprint("at-once-", i)) })
	}
	wg.Wait()
	s.sandbox(t, labs.Spec{ID: "busy-copy", From: "at-once-3"})
}

// hostile makes a sandbox of a tree whose owner left links where the driver
// and stage 0 put things, to lead them out of it.
func (s keeperSuite) hostile(t *testing.T) {
	c := s.sandbox(t, s.spec("hostile"))
	want := "/proc/self/fd/9/tmp\n"
	if s.features.Bound {
		want = "" // what an engine mounts on can't be taken away; what lies around it can
	}
	must(t, c, `[ ! -d /.lab ] || { mv /.lab /.lab.real && ln -s /proc/self/fd/3 /.lab; }
mkdir /trap; for i in $(seq 3 40); do ln -s /proc/self/fd/$i /trap/$i; done
echo trapped >/tmp/hosts; ln -sfn /proc/self/fd/3 /upper; ln -sfn / /work
cp -a /etc /etc.real; rm -r /etc; ln -s /proc/self/fd/9/tmp /etc`)
	s.keep(t, "hostile", "trap")
	copied := s.sandbox(t, labs.Spec{ID: "trapped", From: "trap"})
	if got := must(t, copied, "readlink /etc; ls /trap | wc -l; id -u; test -c /dev/null && test -d /proc/1 && test -d /run/lab && echo ok"); got != want+"38\n0\nok" {
		t.Errorf("got %q", got)
	}
}
