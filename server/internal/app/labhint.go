package app

import (
	"context"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// maxHints is how many hints of a step can be told apart; scenarios have fewer.
const maxHints = 63

func taken(m postgres.StepMarks, hint int) bool { return hint < maxHints && m.HintMask&(1<<hint) != 0 }

// LabHint shows the next hint of a step that may be had: 0 is the current one.
// After the last hint it shows that one again. A hint costs nothing once the
// step has passed.
func (a Actor) LabHint(ctx context.Context, ref string, step int) (hint hub.Hint, err error) {
	var script *scenario.Script
	err = a.onStep(ctx, ref, step, func(r *postgres.LabRun, n int, st scenario.Step) error {
		if len(st.Hints) == 0 {
			if script = st.HintScript; script != nil {
				hint.Step = n
				return nil
			}
			return hub.Errorf(hub.NotFound, "Step %d has no hints.", n)
		}
		at, err := nextHint(*r, n, st, a.app.now())
		if err != nil {
			return err
		}
		m, h := &r.Marks[n-1], st.Hints[at]
		hint = hub.Hint{Step: n, Of: len(st.Hints), Text: h.Text}
		if !taken(*m, at) {
			m.HintMask |= 1 << at
			if r.Steps[n-1].State != hub.StepPassed {
				hint.Cost = h.Cost
			}
		}
		m.Hints = bits.OnesCount64(uint64(m.HintMask))
		hint.Number = m.Hints
		return nil
	})
	if err != nil || script == nil {
		return hint, err
	}
	return a.scriptedHint(ctx, ref, hint.Step, *script)
}

// nextHint is the index of the hint to show: the first that was not shown and
// whose conditions hold, else, when all were, the last one again.
func nextHint(r postgres.LabRun, n int, st scenario.Step, now time.Time) (int, error) {
	m := r.Marks[n-1]
	var why fmt.Stringer
	last := -1
	for i, h := range st.Hints[:min(len(st.Hints), maxHints)] {
		if taken(m, i) {
			last = i
			continue
		}
		w := withheld(r, n, h, now)
		if w == nil {
			return i, nil
		}
		if why == nil {
			why = w
		}
	}
	if why == nil && last >= 0 {
		return last, nil
	}
	return 0, hub.Errorf(hub.Conflict, "The next hint of step %d comes %s.", n, why)
}

// withheld says when a hint may be had; nil is now.
func withheld(r postgres.LabRun, n int, h scenario.Hint, now time.Time) fmt.Stringer {
	var open time.Duration
	if at := r.Marks[n-1].OpenedAt; at != nil {
		open = now.Sub(*at)
	}
	var when []any
	if failed := r.Steps[n-1].Attempts; failed < h.After {
		one := hub.Phrasef("after %d failed checks, so far: %d", h.After, failed)
		if h.After == 1 {
			one = hub.Phrasef("after 1 failed check, so far: %d", failed)
		}
		when = append(when, one)
	}
	if wait := h.WaitTime() - open; wait > 0 {
		one := hub.Phrasef("in %d minutes", int((wait+time.Minute-1)/time.Minute))
		if wait <= time.Minute {
			one = hub.Phrasef("in 1 minute")
		}
		when = append(when, one)
	}
	if h.When != "" && !failing(r.Steps[n-1], h.When) {
		when = append(when, hub.Phrasef("when %q has failed", h.When))
	}
	switch len(when) {
	case 0:
		return nil
	case 1:
		return hub.Phrasef("%s", when...)
	case 2:
		return hub.Phrasef("%s, and %s", when...)
	}
	return hub.Phrasef("%s, and %s, and %s", when...)
}

func failing(s hub.StepState, check string) bool {
	for _, c := range s.Checks {
		if c.Name == check {
			return c.State == hub.StepFailed
		}
	}
	return false
}

// questions is so many of them in words.
func questions(n int) hub.Phrase {
	if n == 1 {
		return hub.Phrasef("1 question")
	}
	return hub.Phrasef("%d questions", n)
}

// scriptedHint runs the script that a challenge has in the place of hints.
func (a Actor) scriptedHint(ctx context.Context, ref string, n int, script scenario.Script) (hint hub.Hint, err error) {
	r, release, err := a.atWork(ctx, ref)
	if err != nil {
		return hint, err
	}
	defer release()
	var open time.Duration
	if at := r.Marks[n-1].OpenedAt; at != nil {
		open = a.app.now().Sub(*at)
	}
	text, err := a.app.Labs.Engine.Hint(ctx, r.ID, script, open)
	if err != nil {
		_, err = a.app.unreachable(ctx, r, err)
		return hint, err
	}
	if text == "" {
		return hint, hub.Errorf(hub.NotFound, "There is no hint for step %d yet.", n)
	}
	// What a sandbox says is no Markdown.
	hint = hub.Hint{Step: n, Number: 1, Of: 1, Text: "```\n" + strings.ReplaceAll(text, "```", "` ` `") + "\n```\n"}
	return hint, a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		r, err := tx.LockLabRun(ctx, r.ID)
		if err != nil || r.Marks[n-1].Hints > 0 {
			return err
		}
		r.Marks[n-1].Hints = 1
		return tx.SaveLabStep(ctx, r, n, a.app.now())
	})
}
