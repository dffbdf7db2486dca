package httpapi_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// has says which of the files are in a session's sandbox.
func (h labHub) has(session string, files ...string) (there []string) {
	for _, f := range files {
		if _, err := os.Stat(filepath.Join(h.driver.Home(session), f)); err == nil {
			there = append(there, f)
		}
	}
	return there
}

func (h labHub) kept(t *testing.T) (names []string) {
	t.Helper()
	all, err := h.driver.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

func states(s hub.LabSession) string {
	words := make([]string, len(s.Steps))
	for i, st := range s.Steps {
		words[i] = st.State
	}
	return strings.Join(words, " ")
}

func checkpoints(t *testing.T, c *client.Client, ref string) hub.Checkpoints {
	t.Helper()
	list, err := c.Checkpoints(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func kinds(list hub.Checkpoints) string {
	words := make([]string, len(list.Items))
	for i, c := range list.Items {
		words[i] = c.Kind
	}
	return strings.Join(words, " ")
}

// again waits for a session that is made anew.
func (h labHub) again(t *testing.T, c *client.Client, s hub.LabSession, err error) hub.LabSession {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return h.ready(t, c, s.LabID)
}

func pass(t *testing.T, c *client.Client, ref string, step int) {
	t.Helper()
	if res, err := c.CheckLab(t.Context(), ref, step); err != nil || res.State != hub.StepPassed {
		t.Fatalf("step %d: %+v, %v", step, res, err)
	}
}

// A learner passes a step, spoils the next, goes back to where it began, and
// from there to what they had before that.
func TestResetALab(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	c, stranger := h.User(t, hub.Free), h.User(t, hub.Free)
	s := h.ready(t, c, "files")
	h.do(t, s.ID, "one")
	pass(t, c, s.ID, 1)
	if got := kinds(checkpoints(t, c, s.ID)); got != "step" {
		t.Fatalf("a passed step keeps %q", got)
	}
	if _, err := c.NextLabStep(ctx, s.ID); err != nil {
		t.Fatal(err)
	}
	h.do(t, s.ID, "two")
	h.do(t, s.ID, "spoilt")
	pass(t, c, s.ID, 2)

	back, err := c.ResetLab(ctx, s.ID, hub.LabReturn{})
	back = h.again(t, c, back, err)
	if back.ID != s.ID || back.Step != 2 || states(back) != "passed pending" {
		t.Errorf("reset, it is %s at step %d with %s", back.ID, back.Step, states(back))
	}
	if got := h.has(s.ID, "ready", "one", "two", "spoilt"); !slices.Equal(got, []string{"ready", "one"}) {
		t.Errorf("reset, it has %v", got)
	}
	if p, err := c.Lab(ctx, "files"); err != nil || p.ID != "files" {
		t.Fatal(err)
	}
	list := checkpoints(t, c, "files")
	if got := kinds(list); got != "before step step" || list.Most != 20 || list.Count != 3 || list.Bytes != 3<<20 {
		t.Errorf("kept: %+v", list)
	}

	// And back to what there was before.
	back, err = c.ResetLab(ctx, s.ID, hub.LabReturn{Checkpoint: list.Items[0].ID})
	back = h.again(t, c, back, err)
	if got := h.has(s.ID, "one", "two", "spoilt"); len(got) != 3 || states(back) != "passed passed" || back.Step != 2 {
		t.Errorf("undone, it has %v, and is at %d with %s", got, back.Step, states(back))
	}

	// To the very beginning.
	back, err = c.ResetLab(ctx, s.ID, hub.LabReturn{Step: 1})
	back = h.again(t, c, back, err)
	if got := h.has(s.ID, "ready", "one", "two"); !slices.Equal(got, []string{"ready"}) || back.Step != 1 || states(back) != "pending pending" {
		t.Errorf("begun again, it has %v, and is at %d with %s", got, back.Step, states(back))
	}
	if res, err := c.CheckLab(ctx, s.ID, 0); err != nil || res.State != hub.StepFailed {
		t.Errorf("checked in a fresh sandbox: %+v, %v", res, err)
	}

	_, err = c.ResetLab(ctx, s.ID, hub.LabReturn{Step: 2})
	apitest.Code(t, err, hub.Conflict) // it has not begun
	_, err = c.ResetLab(ctx, s.ID, hub.LabReturn{Step: 9})
	apitest.Code(t, err, hub.Invalid)
	_, err = c.ResetLab(ctx, s.ID, hub.LabReturn{Checkpoint: "k-nosuchone22"})
	apitest.Code(t, err, hub.NotFound)

	// What is somebody else's is not there.
	theirs := h.ready(t, stranger, "files")
	_, err = stranger.ResetLab(ctx, theirs.ID, hub.LabReturn{Checkpoint: list.Items[0].ID})
	apitest.Code(t, err, hub.NotFound)
	_, err = stranger.ResumeLab(ctx, "more", list.Items[0].ID)
	apitest.Code(t, err, hub.NotFound)
	_, err = stranger.ResetLab(ctx, s.ID, hub.LabReturn{})
	apitest.Code(t, err, hub.NotFound)
	_, err = stranger.SaveLab(ctx, s.ID, "")
	apitest.Code(t, err, hub.NotFound)
	apitest.Code(t, stranger.ForgetCheckpoint(ctx, list.Items[0].ID), hub.NotFound)
	if got := checkpoints(t, stranger, ""); len(got.Items) != 0 {
		t.Errorf("a stranger sees %+v", got)
	}
}

// Going ahead does the steps in between with their own solutions, and these
// pass nobody.
func TestGotoAStep(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "files")
	h.do(t, s.ID, "scratch")
	ahead, err := c.GotoLabStep(ctx, s.ID, 2)
	ahead = h.again(t, c, ahead, err)
	if got := h.has(s.ID, "ready", "one", "scratch"); !slices.Equal(got, []string{"ready", "one"}) || ahead.Step != 2 || states(ahead) != "skipped pending" {
		t.Errorf("ahead, it has %v, and is at %d with %s", got, ahead.Step, states(ahead))
	}
	if !strings.Contains(ahead.Steps[0].Message, "solution") {
		t.Errorf("the step says %q", ahead.Steps[0].Message)
	}
	// Checked, it is as it should be, and still nobody's work.
	res, err := c.CheckLab(ctx, s.ID, 1)
	if err != nil || res.State != hub.StepPassed || res.Steps[0].State != hub.StepSkipped {
		t.Errorf("the replayed step, checked: %+v, %v", res, err)
	}
	h.do(t, s.ID, "two")
	pass(t, c, s.ID, 2)

	// Back to the step, it is the learner's own again.
	back, err := c.ResetLab(ctx, s.ID, hub.LabReturn{Step: 1})
	back = h.again(t, c, back, err)
	if states(back) != "pending pending" {
		t.Errorf("back, it is %s", states(back))
	}
	h.do(t, s.ID, "one")
	pass(t, c, s.ID, 1)

	// Now there is a checkpoint: nothing is replayed, and what was passed is.
	h.do(t, s.ID, "late")
	ahead, err = c.GotoLabStep(ctx, s.ID, 2)
	ahead = h.again(t, c, ahead, err)
	if got := h.has(s.ID, "one", "late"); !slices.Equal(got, []string{"one"}) || states(ahead) != "passed pending" {
		t.Errorf("ahead by a checkpoint, it has %v with %s", got, states(ahead))
	}
	for _, step := range []int{0, 3, -1} {
		_, err = c.GotoLabStep(ctx, s.ID, step)
		apitest.Code(t, err, hub.Invalid)
	}
}

// A lab that was stopped, or ran out, goes on days later where it was.
func TestResumeALab(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "files")
	_, err := c.ResumeLab(ctx, "files", "")
	apitest.Code(t, err, hub.NotFound) // nothing is kept yet
	h.do(t, s.ID, "one")
	pass(t, c, s.ID, 1)
	h.do(t, s.ID, "half")
	_, err = c.ResumeLab(ctx, "files", "")
	apitest.Code(t, err, hub.Conflict) // it runs
	h.clock.Store(2 * 3600)
	if err := h.App.TendLabs(ctx); err != nil {
		t.Fatal(err)
	}
	if got := kinds(checkpoints(t, c, s.ID)); got != "end step" || len(h.sandboxes(t)) != 0 {
		t.Fatalf("at its end it keeps %q, and runs %v", got, h.sandboxes(t))
	}

	h.clock.Store(3 * 24 * 3600)
	again, err := c.ResumeLab(ctx, "files", "")
	again = h.again(t, c, again, err)
	if got := h.has(again.ID, "one", "half"); len(got) != 2 || again.ID == s.ID || again.Step != 1 || states(again) != "passed pending" {
		t.Errorf("resumed as %s with %v, at %d with %s", again.ID, got, again.Step, states(again))
	}
	if _, err := c.NextLabStep(ctx, again.ID); err != nil {
		t.Fatal(err)
	}
	h.do(t, again.ID, "two")
	pass(t, c, again.ID, 2)
	if _, err := c.SubmitLab(ctx, again.ID); err != nil {
		t.Fatal(err)
	}
	// Each step, but not the end: what was handed in is finished.
	if got := kinds(checkpoints(t, c, again.ID)); got != "step step" {
		t.Errorf("handed in, it keeps %q", got)
	}

	// A month later nothing is left, rows and files alike.
	as := h.actor(t, c)
	h.clock.Store(34 * 24 * 3600)
	if err := h.App.ForgetCheckpoints(ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.App.SweepLabs(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := as.Checkpoints(ctx, ""); err != nil || len(got.Items) != 0 || len(h.kept(t)) != 0 {
		t.Errorf("a month later: %+v, %v, files %v", got, err, h.kept(t))
	}
}

// What a learner saved is never removed for them; what was kept unasked makes
// room, the oldest first.
func TestCheckpointQuota(t *testing.T) {
	t.Parallel()
	h := newLabHub(t, func(a *app.App) { a.Labs.Share = app.LabShare{Most: 3} })
	ctx := t.Context()
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "files")
	h.do(t, s.ID, "one")
	pass(t, c, s.ID, 1)
	save := func(name string) hub.Checkpoint {
		t.Helper()
		k, err := c.SaveLab(ctx, s.ID, name)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first, _ := save("first"), save("")
	if got := kinds(checkpoints(t, c, "")); got != "saved saved step" {
		t.Fatalf("kept: %s", got)
	}
	save("third try")
	if got := kinds(checkpoints(t, c, "")); got != "saved saved saved" || len(h.kept(t)) != 3 {
		t.Errorf("kept: %s, files %v", got, h.kept(t))
	}
	_, err := c.SaveLab(ctx, s.ID, "fourth")
	apitest.Code(t, err, hub.Limit)
	if got := h.kept(t); len(got) != 3 {
		t.Errorf("refused, and its files stay: %v", got)
	}
	// Unasked, it is just not kept, and the reset goes on.
	back, err := c.ResetLab(ctx, s.ID, hub.LabReturn{Checkpoint: "first"})
	if back = h.again(t, c, back, err); back.Step != 1 || states(back) != "passed pending" {
		t.Errorf("back at %d with %s", back.Step, states(back))
	}
	if err := c.ForgetCheckpoint(ctx, first.ID); err != nil {
		t.Fatal(err)
	}
	apitest.Code(t, c.ForgetCheckpoint(ctx, first.ID), hub.NotFound)
	save("fourth")
	for _, name := range []string{"-x", "a/b", "\x1b[31m", strings.Repeat("x", 41)} {
		_, err := c.SaveLab(ctx, s.ID, name)
		apitest.Code(t, err, hub.Invalid)
	}
	// With the account goes all that it kept.
	err = h.App.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM users WHERE id = $1`, h.actor(t, c).User().ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.App.SweepLabs(ctx); err != nil {
		t.Fatal(err)
	}
	if got := h.kept(t); len(got) != 0 {
		t.Errorf("the account is gone, its files are not: %v", got)
	}
}

// Saves, checks and resets of one session take turns: whatever comes of them,
// the session is whole.
func TestSavesChecksAndResetsAtOnce(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "files")
	h.do(t, s.ID, "one")
	var wg sync.WaitGroup
	for range 4 {
		for _, do := range []func() error{
			func() error { _, err := c.SaveLab(ctx, s.ID, ""); return err },
			func() error { _, err := c.CheckLab(ctx, s.ID, 1); return err },
			func() error { _, err := c.ResetLab(ctx, s.ID, hub.LabReturn{}); return err },
		} {
			wg.Go(func() {
				// Busy, being checked, being prepared: each is an answer.
				if err := do(); err != nil && hub.CodeOf(err) != hub.Conflict && hub.CodeOf(err) != hub.Unavailable {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	back, err := c.ResetLab(ctx, s.ID, hub.LabReturn{Step: 1})
	for hub.CodeOf(err) == hub.Unavailable {
		h.ready(t, c, "files")
		back, err = c.ResetLab(ctx, s.ID, hub.LabReturn{Step: 1})
	}
	if back = h.again(t, c, back, err); back.ID != s.ID || states(back) != "pending pending" {
		t.Errorf("afterwards it is %+v", back)
	}
	if got := h.sandboxes(t); !slices.Equal(got, []string{s.ID}) {
		t.Errorf("sandboxes: %v", got)
	}
}

// A server that dies in the middle of a checkpoint or of a return leaves rows;
// the next one uses nothing that is half made, and finishes what was begun.
func TestDeathInTheMiddleOfAReturn(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "files")
	h.do(t, s.ID, "one")
	pass(t, c, s.ID, 1)
	step := checkpoints(t, c, s.ID).Items[0]
	h.clock.Store(600) // longer ago than a start may take

	var run postgres.LabRun
	err := h.App.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		if run, err = tx.LabRun(ctx, s.ID); err != nil {
			return err
		}
		half := hub.Checkpoint{ID: "k-halfhalf22", Kind: hub.KeptSaved, Step: 1, CreatedAt: h.App.Now(), ExpiresAt: h.App.Now().AddDate(0, 1, 0)}
		if err := tx.AddCheckpoint(ctx, half, run); err != nil {
			return err
		}
		run.State, run.SetupAt, run.Step = hub.Provisioning, nil, 2
		if err := tx.BeginLabReturn(ctx, s.ID, postgres.LabReturn{Checkpoint: step.ID, BegunAt: h.App.Now()}); err != nil {
			return err
		}
		return tx.SaveLabRun(ctx, run)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.driver.Snapshot(ctx, s.ID, "k-halfhalf22"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.driver.Snapshot(ctx, s.ID, "k-nobodys222"); err != nil {
		t.Fatal(err)
	}
	h.do(t, s.ID, "lost")
	_, err = h.actor(t, c).ResumeLab(ctx, "files", "k-halfhalf22")
	apitest.Code(t, err, hub.NotFound)
	if err := h.driver.Destroy(ctx, s.ID); err != nil {
		t.Fatal(err)
	}

	after := h.restarted(t)
	if err := after.AdoptLabs(ctx); err != nil {
		t.Fatal(err)
	}
	as := after.As(h.actor(t, c).User())
	if _, err := as.LabSandbox(ctx, s.ID); err != nil {
		t.Fatal(err)
	}
	now, err := as.LabSession(ctx, s.ID)
	if err != nil || now.State != hub.Ready || now.Step != 2 || states(now) != "passed pending" {
		t.Errorf("it is %+v, %v", now, err)
	}
	if got := h.has(s.ID, "one", "lost"); !slices.Equal(got, []string{"one"}) {
		t.Errorf("it has %v", got)
	}
	if got := h.kept(t); !slices.Equal(got, []string{step.ID}) {
		t.Errorf("files of %v are kept, want %s", got, step.ID)
	}

	// In the middle of a replay, likewise.
	err = h.App.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		if run, err = tx.LockLabRun(ctx, s.ID); err != nil {
			return err
		}
		at := h.App.Now()
		run.State, run.SetupAt, run.Step, run.Marks[0].OpenedAt, run.Marks[1].OpenedAt = hub.Provisioning, &at, 1, nil, nil
		run.Steps[0].State = hub.StepPending
		if err := tx.ResetLabSteps(ctx, run, at); err != nil {
			return err
		}
		if err := tx.BeginLabReturn(ctx, s.ID, postgres.LabReturn{Goto: 2, BegunAt: at}); err != nil {
			return err
		}
		return tx.SaveLabRun(ctx, run)
	})
	if err != nil {
		t.Fatal(err)
	}
	if now, err := as.LabSession(ctx, s.ID); err != nil || now.State != hub.Provisioning {
		t.Errorf("on its way it is %+v, %v", now, err)
	}
	if err := h.restarted(t).AdoptLabs(ctx); err != nil {
		t.Fatal(err)
	}
	if now, err = as.LabSession(ctx, s.ID); err != nil || now.State != hub.Ready || now.Step != 2 || states(now) != "skipped pending" {
		t.Errorf("arrived, it is %+v, %v", now, err)
	}
}
