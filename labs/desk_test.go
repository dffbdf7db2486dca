package labs_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/labstest"
)

// askers are sandboxes whose programs speak to the agent as they like.
type askers struct{ labstest.Driver }

func newAskers(t *testing.T, ids ...string) askers {
	t.Helper()
	d := askers{labstest.New(t)}
	for _, id := range ids {
		if err := d.Create(t.Context(), labs.Spec{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// say writes to the agent of sandbox id what no honest program might, and returns
// what comes back.
func (d askers) say(t *testing.T, id, text string) (r proto.Reply, answered bool) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "unix", filepath.Join(d.State, id, proto.DeskSocket))
	if err != nil {
		t.Error(err)
		return r, false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Minute))
	_, _ = io.WriteString(conn, text)
	_ = conn.(*net.UnixConn).CloseWrite()
	b, _ := io.ReadAll(conn)
	return r, json.Unmarshal(b, &r) == nil
}

func (d askers) desk(t *testing.T, answer func(lab string, ask proto.Ask) proto.Reply) *labs.Desk {
	desk := &labs.Desk{Driver: d, Answer: func(_ context.Context, lab string, ask proto.Ask) proto.Reply { return answer(lab, ask) }}
	t.Cleanup(desk.Close)
	return desk
}

func openDesk(t *testing.T, d *labs.Desk, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := d.Open(t.Context(), id, id); err != nil {
			t.Fatal(err)
		}
	}
}

const honest = `{"args":["check"]}` + "\n"

// What is asked in one lab is answered for that lab, whatever the asker says, and
// what isn't an ask reaches nobody.
func TestDeskHearsOneLab(t *testing.T) {
	t.Parallel()
	d := newAskers(t, "mine", "yours")
	var heard atomic.Int64
	desk := d.desk(t, func(lab string, ask proto.Ask) proto.Reply {
		heard.Add(1)
		return proto.Reply{Status: 7, Out: lab}
	})
	openDesk(t, desk, "mine", "yours")
	for _, id := range []string{"mine", "yours"} {
		if r, ok := d.say(t, id, `{"args":["check"],"lab":"yours","session":"yours"}`+"\n"); !ok || r.Out != id || r.Status != 7 {
			t.Errorf("%s: %+v, %v", id, r, ok)
		}
	}
	before := heard.Load()
	for _, text := range []string{
		"", "\n", "no json\n", `{"args":`, `{"args":[1]}` + "\n", `["check"]` + "\n", strings.Repeat("x", 2*proto.MaxAsk) + "\n",
		`{"args":["` + strings.Repeat("x", 2*proto.MaxAsk) + `"]}` + "\n", rand.Text() + "\x00\x1b]0;\xff\n",
	} {
		if r, ok := d.say(t, "mine", text); ok && r.Status != 2 {
			t.Errorf("%.40q was answered: %+v", text, r)
		}
	}
	if n := heard.Load(); n != before {
		t.Errorf("%d of them were taken for asks", n-before)
	}
	if r, ok := d.say(t, "mine", honest); !ok || r.Out != "mine" {
		t.Errorf("and then an honest one: %+v, %v", r, ok)
	}
}

// A flood costs its own lab the answers, and nobody else.
func TestDeskFlood(t *testing.T) {
	t.Parallel()
	d := newAskers(t, "loud", "quiet")
	var heard, most, now atomic.Int64
	desk := d.desk(t, func(lab string, _ proto.Ask) proto.Reply {
		if lab == "loud" {
			heard.Add(1)
			for n := now.Add(1); ; {
				if old := most.Load(); n <= old || most.CompareAndSwap(old, n) {
					break
				}
			}
			defer now.Add(-1)
		}
		return proto.Reply{Out: lab}
	})
	stopped := time.Now()
	desk.Now = func() time.Time { return stopped }
	openDesk(t, desk, "loud", "quiet")
	var refused atomic.Int64
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			for range 20 {
				if r, ok := d.say(t, "loud", honest); ok && r.Status == proto.Later {
					refused.Add(1)
				}
			}
		})
	}
	asking.Wait()
	if h, r := heard.Load(), refused.Load(); h == 0 || h > 20 || h+r != 400 || most.Load() > 3 {
		t.Errorf("of 400 asks %d were answered, %d at once, and %d refused", h, most.Load(), r)
	}
	if r, ok := d.say(t, "quiet", honest); !ok || r.Out != "quiet" {
		t.Errorf("the other lab: %+v, %v", r, ok)
	}
}

// An ask that comes while no server is there is answered by the next one.
func TestDeskWaitsForTheNextServer(t *testing.T) {
	t.Parallel()
	d := newAskers(t, "patient")
	first := d.desk(t, func(string, proto.Ask) proto.Reply { return proto.Reply{Out: "first"} })
	openDesk(t, first, "patient")
	if r, _ := d.say(t, "patient", honest); r.Out != "first" {
		t.Fatalf("%+v", r)
	}
	first.Close()
	if !first.Knows("patient") {
		t.Error("a closed desk wants to be opened")
	}
	answered := make(chan proto.Reply, 1)
	go func() {
		r, _ := d.say(t, "patient", honest)
		answered <- r
	}()
	second := d.desk(t, func(string, proto.Ask) proto.Reply { return proto.Reply{Out: "second"} })
	if second.Knows("patient") {
		t.Error("the new desk needs no line")
	}
	openDesk(t, second, "patient")
	if r := <-answered; r.Out != "second" {
		t.Errorf("%+v", r)
	}
	if !second.Knows("patient") {
		t.Error("it is open and not known")
	}
}

// What is too long to be shown is said to be.
func TestDeskAnswersAreBounded(t *testing.T) {
	t.Parallel()
	d := newAskers(t, "long")
	desk := d.desk(t, func(string, proto.Ask) proto.Reply { return proto.Reply{Out: strings.Repeat("x", proto.MaxReply)} })
	openDesk(t, desk, "long")
	if r, ok := d.say(t, "long", honest); !ok || r.Status != 1 || r.Out != "" || !strings.Contains(r.Err, "too long") {
		t.Errorf("%d, %q, %v", r.Status, r.Err, ok)
	}
}
