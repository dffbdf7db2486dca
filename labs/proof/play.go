package proof

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/words"
)

const defaultPatience = time.Minute

// A play is one way through one lab.
type play struct {
	stage Stage
	sc    *scenario.Scenario
	sub   Subject
	who   *learner
}

// play plays the lab once, from its beginning. Trouble is what went wrong
// outside of any check, in words for the author.
func (p *Prover) play(ctx context.Context, stage Stage, s Subject) (steps []Play, trouble string, err error) {
	pl := &play{stage: stage, sc: s.Scenario, sub: s}
	defer func() {
		if err != nil {
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			err = errors.Join(err, stage.End(grace))
		}
	}()
	if err := stage.Start(ctx); err != nil {
		if ctx.Err() != nil || !gone(err) {
			return nil, "", fmt.Errorf("start %s: %w", s.Name, err)
		}
		return nil, words.Kept("the sandbox did not start: %s", err), nil
	}
	pl.who = newLearner(stage, p.Patience)
	defer pl.who.leave()
	steps, err = pl.all(ctx)
	if err != nil && ctx.Err() == nil && gone(err) {
		return steps, words.Kept("the sandbox ended in the middle: %s", err), nil
	}
	return steps, "", err
}

func (pl *play) all(ctx context.Context) (steps []Play, err error) {
	if err := pl.who.settle(ctx, pl.sc.Intro); err != nil {
		return nil, err
	}
	if err := pl.who.work(ctx, scenario.Runnables(pl.sc.Intro.Text)); err != nil {
		return nil, err
	}
	for n := 1; n <= len(pl.sc.Steps); n++ {
		if err := pl.stage.Open(ctx, n); err != nil {
			return steps, err
		}
		if err := pl.who.settle(ctx, pl.sc.Steps[n-1].Page); err != nil {
			return steps, err
		}
		one, err := pl.step(ctx, n)
		if err != nil {
			return steps, err
		}
		if err := pl.quiz(ctx, n, &one); err != nil {
			return steps, err
		}
		steps = append(steps, one)
	}
	return steps, nil
}

// step checks, works, and checks again.
func (pl *play) step(ctx context.Context, n int) (one Play, err error) {
	before, err := pl.check(ctx, n, 1, 0)
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
		after, err := pl.check(ctx, n, looks, grace)
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

// How long after its last command a step's work may take effect: services start,
// watchers look again. A learner would press the key twice. A machine that has no
// time for the work has none for the checks either, so there are so many of them at
// least, up to a limit: a check may be slow by itself.
const (
	grace     = 3 * time.Second
	graceMost = 30 * time.Second
	looks     = 6
)

// check asks for the verdict on step n, and again while it is red: so often, and
// for so long.
func (pl *play) check(ctx context.Context, n, least int, grace time.Duration) (labs.Verdict, error) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for looked := 1; ; looked++ {
		v, err := pl.stage.Check(ctx, n)
		took := time.Since(began)
		if err != nil || v.Outcome != labs.Failed || took > grace && (looked >= least || took > graceMost) {
			return v, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

// quiz answers the questions of step n, wrong first, and notes in one what
// can't be: a wrong answer that is taken, a right one that is refused.
func (pl *play) quiz(ctx context.Context, n int, one *Play) error {
	questions := pl.sc.Questions(n)
	one.Questions = len(questions)
	for i, q := range questions {
		right, wrong := q.Samples()
		if right == nil {
			one.Quiz = words.Kept("nobody can answer its question %d: no choice of it is the right one", i+1)
			return nil
		}
		for _, try := range []struct {
			answer []string
			right  bool
		}{{wrong, false}, {right, true}} {
			if try.answer == nil {
				continue
			}
			got, err := pl.stage.Answer(ctx, n, i+1, try.answer)
			if err != nil {
				return err
			}
			if got != try.right {
				one.Quiz = words.Kept("its question %d takes %q for right", i+1, strings.Join(try.answer, ", "))
				if try.right {
					one.Quiz = words.Kept("its question %d refuses its own answer", i+1)
				}
				return nil
			}
		}
	}
	return nil
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
