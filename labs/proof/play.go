package proof

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

const defaultPatience = time.Minute

// A play is one way through one lab.
type play struct {
	p   *Prover
	id  string
	sc  *scenario.Scenario
	sub Subject
	who *learner
}

// play plays the lab once in a fresh sandbox called id. Trouble is what went
// wrong outside of any check, in words for the author.
func (p *Prover) play(ctx context.Context, id string, s Subject) (steps []Play, trouble string, err error) {
	pl := &play{p: p, id: id, sc: s.Scenario, sub: s}
	if err := p.Engine.Start(ctx, id, s.Scenario, s.Scenario.Assets); err != nil {
		if ctx.Err() != nil || !gone(err) {
			return nil, "", fmt.Errorf("start %s: %w", s.Name, err)
		}
		return nil, "the sandbox did not start: " + err.Error(), nil
	}
	defer func() {
		if err != nil {
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			err = errors.Join(err, p.Engine.Destroy(grace, id))
		}
	}()
	pl.who = newLearner(p.Engine.Driver, id, p.Patience)
	defer pl.who.leave()
	steps, err = pl.all(ctx)
	if err != nil && ctx.Err() == nil && gone(err) {
		return steps, "the sandbox ended in the middle: " + err.Error(), nil
	}
	return steps, "", err
}

func (pl *play) all(ctx context.Context) (steps []Play, err error) {
	if err := pl.settle(ctx, 0); err != nil {
		return nil, err
	}
	if err := pl.who.work(ctx, scenario.Runnables(pl.sc.Intro.Text)); err != nil {
		return nil, err
	}
	for n := 1; n <= len(pl.sc.Steps); n++ {
		if err := pl.p.Engine.OpenStep(ctx, pl.id, pl.sc, n); err != nil {
			return steps, err
		}
		if err := pl.settle(ctx, n); err != nil {
			return steps, err
		}
		one, err := pl.step(ctx, n)
		if err != nil {
			return steps, err
		}
		steps = append(steps, one)
	}
	return steps, nil
}

// step checks, works, and checks again.
func (pl *play) step(ctx context.Context, n int) (one Play, err error) {
	before, err := pl.check(ctx, n, time.Now())
	if err != nil {
		return one, err
	}
	one.Before, one.Red, one.Message = before.Outcome, before.Message, before.Message
	for _, w := range pl.ways(n) {
		one.source = w.source
		if err := w.do(ctx, pl.who); err != nil {
			return one, err
		}
		if before.Outcome == labs.Unverified {
			return one, nil
		}
		after, err := pl.check(ctx, n, time.Now().Add(grace))
		if err != nil {
			return one, err
		}
		one.After, one.Message = after.Outcome, after.Message
		if after.Outcome == labs.Passed {
			return one, nil
		}
		one.Screen = pl.who.screen()
	}
	return one, nil
}

// grace is how long after its last command a step's work may take effect:
// services start, watchers look again. A learner would press the key twice.
const grace = 3 * time.Second

// check asks for the verdict on step n, and again while it is red, until then.
func (pl *play) check(ctx context.Context, n int, until time.Time) (labs.Verdict, error) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		v, err := pl.p.Engine.Check(ctx, pl.id, pl.sc, n)
		if err != nil || v.Outcome != labs.Failed || time.Now().After(until) {
			return v, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

// settle waits until page n is ready for a learner: its background scripts
// have ended, or go on for good, and its foreground scripts leave a prompt.
func (pl *play) settle(ctx context.Context, n int) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; {
		s, err := pl.p.Engine.Setup(ctx, pl.id, n)
		if err != nil {
			return err
		}
		if s.Settled(time.Since(began)) {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return pl.who.settle(ctx)
}

// A way is one known solution of a step.
type way struct {
	source string
	do     func(context.Context, *learner) error
}

// ways are the solutions of step n, the best first. All but a solve script
// build on what the page itself has the learner run.
func (pl *play) ways(n int) (ways []way) {
	st := pl.sc.Steps[n-1]
	blocks := func(source string, list []scenario.Runnable) {
		if len(list) > 0 {
			ways = append(ways, way{source, func(ctx context.Context, who *learner) error { return who.work(ctx, list) }})
		}
	}
	if lines, ok := pl.sub.Solutions[n]; ok {
		return []way{{"given", func(ctx context.Context, who *learner) error { return who.lines(ctx, lines) }}}
	}
	if st.Solve != nil {
		return []way{{"solve script", func(ctx context.Context, who *learner) error { return who.script(ctx, st.Solve.Source) }}}
	}
	blocks("text", scenario.Runnables(st.Text))
	blocks("solution", scenario.Commands(st.Solution))
	return ways
}
