package httpapi_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/labstest"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// restarted is the server after a crash: the same database, the same machine,
// nothing in memory.
func (h labHub) restarted(t *testing.T) *app.App {
	t.Helper()
	a := &app.App{DB: h.App.DB, Log: h.App.Log}
	h.equip(t, a)
	return a
}

func state(t *testing.T, as app.Actor, ref string) (string, string) {
	t.Helper()
	s, err := as.LabSession(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return s.State, s.Message
}

// A session ends when its hour is over, also when nobody looks, and also when
// the server was down at that moment.
func TestLabExpires(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	as := h.actor(t, c)
	s := h.ready(t, c, "files")
	h.clock.Store(3300)
	if err := h.App.TendLabs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st, _ := state(t, as, s.ID); st != hub.Ready || len(h.sandboxes(t)) != 1 {
		t.Errorf("five minutes early it is %s", st)
	}
	h.clock.Store(3601)
	_, err := as.CheckLab(t.Context(), s.ID, 0)
	apitest.Code(t, err, hub.Conflict) // although nobody has tended it yet
	_, err = as.LabSandbox(t.Context(), s.ID)
	apitest.Code(t, err, hub.Conflict)
	if err := h.restarted(t).AdoptLabs(t.Context()); err != nil {
		t.Fatal(err)
	}
	st, msg := state(t, as, s.ID)
	if msg != "Its time was up." || (st != hub.Expired && st != hub.Destroyed) || len(h.sandboxes(t)) != 0 {
		t.Errorf("an hour later it is %s %q, sandboxes %v", st, msg, h.sandboxes(t))
	}
	if next, err := as.StartLab(t.Context(), "files"); err != nil || next.ID == s.ID {
		t.Errorf("begun again: %+v, %v", next, err)
	}
}

// together keeps nothing until two are to be kept.
type together struct {
	labstest.Driver
	came chan struct{}
	both chan struct{}
}

func (d together) Snapshot(ctx context.Context, id, name string) (labs.Snapshot, error) {
	select {
	case d.came <- struct{}{}: // the first
	default:
		close(d.both)
	}
	select {
	case <-d.both:
		return d.Driver.Snapshot(ctx, id, name)
	case <-ctx.Done():
		return labs.Snapshot{}, ctx.Err()
	}
}

// What is slow about the end of one session does not hold up that of another.
func TestLabsExpireSideBySide(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	for range 2 {
		h.ready(t, h.User(t, hub.Free), "files")
	}
	h.App.Labs.Engine = &labs.Engine{Driver: together{h.driver, make(chan struct{}, 1), make(chan struct{})}}
	h.clock.Store(3601)
	if err := h.App.TendLabs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if there, kept := h.sandboxes(t), h.kept(t); len(there) != 0 || len(kept) != 2 {
		t.Errorf("sandboxes %v, kept %v", there, kept)
	}
}

// silent is a host whose agents hang until two have been asked at once, and are
// gone then.
type silent struct {
	labstest.Driver
	came    chan struct{}
	both    chan struct{}
	patient *atomic.Bool
}

func (d silent) Dial(ctx context.Context, _ string) (net.Conn, error) {
	if at, bounded := ctx.Deadline(); !bounded || time.Until(at) > 10*time.Second {
		d.patient.Store(true)
	}
	select {
	case d.came <- struct{}{}: // the first
	case <-d.both:
	default:
		close(d.both)
	}
	select {
	case <-d.both:
		return nil, labs.ErrNotFound
	case <-time.After(time.Minute): // whatever time is left to it: the second one may be slow to come
		return nil, errors.New("one after the other")
	}
}

// A sandbox that hangs does not hold up the sweep of others, and not for long.
func TestSweepAsksSideBySide(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	asked := map[string]app.Actor{}
	for range 2 {
		c := h.User(t, hub.Free)
		asked[h.ready(t, c, "files").ID] = h.actor(t, c)
	}
	d := silent{h.driver, make(chan struct{}, 1), make(chan struct{}), new(atomic.Bool)}
	h.App.Labs.Engine = &labs.Engine{Driver: d}
	if err := h.App.SweepLabs(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, as := range asked {
		if st, msg := state(t, as, id); !hub.Ended(st) {
			t.Errorf("%s is %s %q", id, st, msg)
		}
	}
	if d.patient.Load() {
		t.Error("a sandbox that hangs is waited for as a learner would")
	}
}

// A learner whose session has just run out may begin the next one at once.
func TestStartAfterTheHourBeforeAnybodyTended(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	as := h.actor(t, c)
	old := h.ready(t, c, "files")
	h.clock.Store(3601)
	s, err := as.StartLab(t.Context(), "files")
	if err != nil || s.ID == old.ID {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := h.App.SweepLabs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.sandboxes(t); !slices.Equal(got, []string{s.ID}) {
		t.Errorf("sandboxes %v, session %s", got, s.ID)
	}
}

// A restart keeps what sessions own, ends sessions whose sandbox is gone,
// and removes what nobody owns.
func TestRestartAdoptsLabs(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	c, d := h.User(t, hub.Free), h.User(t, hub.Free)
	kept, lost, submitted := h.ready(t, c, "files"), h.ready(t, c, "more"), h.ready(t, d, "reading")
	if err := h.App.LabAttached(ctx, kept.ID); err != nil {
		t.Fatal(err)
	}
	if st, _ := state(t, h.actor(t, c), kept.ID); st != hub.Active {
		t.Errorf("attached, it is %s", st)
	}
	if _, err := d.StopLab(ctx, submitted.ID); err != nil {
		t.Fatal(err)
	}
	h.driver.Kill(lost.ID)
	if err := h.driver.Create(ctx, labs.Spec{ID: "s-nobodysone"}); err != nil {
		t.Fatal(err)
	}

	after := h.restarted(t)
	if err := after.AdoptLabs(ctx); err != nil {
		t.Fatal(err)
	}
	as := after.As(h.actor(t, c).User())
	if st, _ := state(t, as, kept.ID); st != hub.Detached {
		t.Errorf("the one that was attached is %s", st)
	}
	if st, msg := state(t, as, lost.ID); st != hub.Stopped || msg == "" {
		t.Errorf("the one that died is %s %q", st, msg)
	}
	if st, msg := state(t, after.As(h.actor(t, d).User()), submitted.ID); st != hub.Destroyed || msg != "Stopped." {
		t.Errorf("the one that was stopped is %s %q", st, msg)
	}
	if got := h.sandboxes(t); !slices.Equal(got, []string{kept.ID}) {
		t.Errorf("sandboxes %v, want only %s", got, kept.ID)
	}
	h.do(t, kept.ID, "one")
	if res, err := as.CheckLab(ctx, kept.ID, 0); err != nil || res.State != hub.StepPassed {
		t.Errorf("checked after the restart: %+v, %v", res, err)
	}
}

// A server that dies while it makes a sandbox leaves a row; the next one
// finishes it, or gives it up when that comes late.
func TestUnfinishedStartIsFinished(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	as := h.actor(t, h.User(t, hub.Free))
	half := func(id, lab string) {
		t.Helper()
		err := h.App.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
			v, err := tx.Lab(ctx, lab)
			if err != nil {
				return err
			}
			now := h.App.Now()
			return tx.AddLabRun(ctx, postgres.LabRun{
				LabSession: hub.LabSession{ID: id, LabID: lab, State: hub.Provisioning, Step: 1, Driver: "test", CreatedAt: now, ExpiresAt: now.Add(time.Hour)},
				UserID:     as.User().ID, Version: v.Version, Node: "here",
			}, len(v.Lab.Steps))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	half("s-aaaaaaaaaa", "files")
	// Its sandbox was half made: without the assets, without set-up.
	if err := h.driver.Create(ctx, labs.Spec{ID: "s-aaaaaaaaaa"}); err != nil {
		t.Fatal(err)
	}
	if err := h.restarted(t).AdoptLabs(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := as.LabSandbox(ctx, "s-aaaaaaaaaa"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(h.driver.Home("s-aaaaaaaaaa"), "ready")); err != nil {
		t.Errorf("its set-up did not run: %v", err)
	}

	half("s-bbbbbbbbbb", "more")
	h.clock.Store(121)
	if err := h.restarted(t).AdoptLabs(ctx); err != nil {
		t.Fatal(err)
	}
	if st, msg := state(t, as, "s-bbbbbbbbbb"); !hub.Ended(st) || msg == "" {
		t.Errorf("two minutes late it is %s %q", st, msg)
	}
}

// full is a host without room.
type full struct{ labs.Driver }

func (full) Create(context.Context, labs.Spec) error { return labs.ErrCapacity }

func TestFullHost(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	h.App.Labs.Engine = &labs.Engine{Driver: full{h.driver}}
	c := h.User(t, hub.Free)
	for range 3 { // a refused start leaves nothing that counts as running
		_, err := c.StartLab(t.Context(), "files")
		e, _ := err.(*hub.Error) //nolint:errorlint // the SDK returns it as it is
		if e == nil || e.Code != hub.Unavailable || e.RetryAfter != 30*time.Second {
			t.Fatalf("got %#v", err)
		}
	}
	s, err := c.LabSession(t.Context(), "files")
	if err != nil || s.State != hub.Stopped || s.Message == "" {
		t.Errorf("%+v, %v", s, err)
	}
	h.App.Labs.Engine = &labs.Engine{Driver: h.driver}
	h.ready(t, c, "files")
}

// While set-up runs nothing is checked, because a check that something is
// absent would pass; a watcher that never ends is waited for ten seconds.
func TestNoCheckBeforeSetup(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	newAuthor(t, h.API, hub.Instructor).publishLabs(t, "slow", true, &scenario.Scenario{
		Slug: "slow", Title: "Slow", Needs: []string{"linux"},
		Intro: scenario.Page{Background: []scenario.Script{{Source: []byte("while [ ! -f go ]; do sleep 0.01; done\n")}}},
		Steps: []scenario.Step{{Verify: &scenario.Script{Source: []byte("true\n")}}},
	})
	ctx := t.Context()
	as := h.actor(t, h.User(t, hub.Free))
	s, err := as.StartLab(ctx, "slow")
	if err != nil || s.State != hub.Provisioning {
		t.Fatalf("%+v, %v", s, err)
	}
	_, err = as.CheckLab(ctx, s.ID, 0)
	apitest.Code(t, err, hub.Unavailable)
	h.clock.Store(11)
	if st, msg := state(t, as, s.ID); st != hub.Ready || msg != "Set-up is still running." {
		t.Errorf("after ten seconds: %s %q", st, msg)
	}
	if res, err := as.CheckLab(ctx, s.ID, 0); err != nil || res.State != hub.StepPassed {
		t.Errorf("%+v, %v", res, err)
	}
	h.clock.Store(901)
	for range 2 { // said once, and kept
		if st, msg := state(t, as, s.ID); st != hub.Ready || msg != "Set-up has not ended within 15 minutes. It goes on; the lab may work all the same." {
			t.Errorf("after a quarter of an hour: %s %q", st, msg)
		}
	}
	h.do(t, s.ID, "go")
	eventually(t, "it no longer says that set-up runs", func() bool { _, msg := state(t, as, s.ID); return msg == "" })
}

// A check that could not be run is no wrong attempt, and in the end it can be
// skipped like one.
func TestBrokenCheckIsNotTheLearnersFault(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	newAuthor(t, h.API, hub.Instructor).publishLabs(t, "broken", true, &scenario.Scenario{
		Slug: "broken", Title: "Broken", Needs: []string{"linux"},
		Steps: []scenario.Step{
			{Verify: &scenario.Script{Source: []byte("#!/no/such/program\n")}},
			{Verify: &scenario.Script{Source: []byte("# to be written\n")}},
		},
	})
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "broken")
	for range 3 {
		res, err := c.CheckLab(t.Context(), s.ID, 0)
		if err != nil || res.State != hub.StepError || stepStates(res.Steps) != "1:error/0 2:pending/0" {
			t.Errorf("%+v, %v", res, err)
		}
	}
	if _, err := c.SkipLabStep(t.Context(), s.ID); err != nil {
		t.Error(err)
	}
	if res, err := c.CheckLab(t.Context(), s.ID, 0); err != nil || res.State != hub.StepError {
		t.Errorf("an empty check: %+v, %v", res, err)
	}
}

// Whoever attaches and detaches, however often: the state says whether
// somebody is there, and each change is told once.
func TestAttachedAndDetached(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	c := h.User(t, hub.Free)
	as := h.actor(t, c)
	s := h.ready(t, c, "files")
	for _, step := range []struct {
		do   func(context.Context, string) error
		want string
	}{
		{h.App.LabAttached, hub.Active},
		{h.App.LabAttached, hub.Active},
		{h.App.LabDetached, hub.Active},
		{h.App.LabDetached, hub.Detached},
		{h.App.LabAttached, hub.Active},
		{h.App.LabDetached, hub.Detached},
	} {
		if err := step.do(ctx, s.ID); err != nil {
			t.Fatal(err)
		}
		if st, _ := state(t, as, s.ID); st != step.want {
			t.Errorf("got %s, want %s", st, step.want)
		}
	}
	var told []string
	err := h.App.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		return tx.QueryRow(ctx, `SELECT array_agg(type ORDER BY id) FROM events WHERE data->>'session' = $1`, s.ID).Scan(&told)
	})
	want := []string{"lab.started", "lab.ready", "lab.attached", "lab.detached", "lab.attached", "lab.detached"}
	if err != nil || !slices.Equal(told, want) {
		t.Errorf("told %v, %v", told, err)
	}
}

// The SSH door names people by a key or by an id, and one question answers
// whether they may go in: to a lab that is ready and theirs, while the key is.
func TestReadySandbox(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	c, other := h.User(t, hub.Free), h.User(t, hub.Free)
	key, err := c.AddKey(ctx, hub.NewKey{PublicKey: publicKey(t)})
	if err != nil {
		t.Fatal(err)
	}
	others, err := other.AddKey(ctx, hub.NewKey{PublicKey: publicKey(t)})
	if err != nil {
		t.Fatal(err)
	}
	as := h.actor(t, c)
	finds := func(want, fingerprint, user, name string) {
		t.Helper()
		if got, _ := h.App.ReadySandbox(ctx, fingerprint, user, name); got != want {
			t.Errorf("%s%s as %s: %q, not %q", fingerprint, user, name, got, want)
		}
	}
	finds("", key.Fingerprint, "", "files")
	s, err := c.StartLab(ctx, "files")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := as.LabSandbox(ctx, s.ID); err != nil { // waits until it is ready
		t.Fatal(err)
	}
	for _, name := range []string{"files", s.ID} {
		finds(s.ID, key.Fingerprint, "", name)
		finds(s.ID, "", as.User().ID, name)
		finds("", others.Fingerprint, "", name)
		finds("", "", h.actor(t, other).User().ID, name)
		finds("", "SHA256:none", "", name)
		finds("", "", "", name)
	}
	if err := c.RemoveKey(ctx, key.ID); err != nil {
		t.Fatal(err)
	}
	finds("", key.Fingerprint, "", s.ID)
	if _, err := c.StopLab(ctx, s.ID); err != nil {
		t.Fatal(err)
	}
	finds("", "", as.User().ID, s.ID)
}
