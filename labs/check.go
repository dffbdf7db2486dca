package labs

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/words"
)

// How long the checks of a step may run: each, and all of them together. The
// commands that say what was observed are quick.
const (
	checkTime   = 60 * time.Second
	stepTime    = 80 * time.Second
	observeTime = 10 * time.Second
)

// Check runs the checks of step n and judges them. Checks that ran always give
// a verdict; an error means that the sandbox is gone (ErrNotFound), that another
// check runs in it (ErrChecking), or that ctx ended.
func (e *Engine) Check(ctx context.Context, id string, sc *scenario.Scenario, n int) (Verdict, error) {
	return e.check(ctx, id, sc, n, sc.Steps[n-1].Asked())
}

// Poll is Check for the checks of step n that are continuous. whole says that
// those are all there are, so that the verdict is the step's.
func (e *Engine) Poll(ctx context.Context, id string, sc *scenario.Scenario, n int) (v Verdict, whole bool, err error) {
	all := sc.Steps[n-1].Asked()
	var asked []scenario.Check
	for _, c := range all {
		if c.Continuous || sc.Challenge {
			asked = append(asked, c)
		}
	}
	v, err = e.check(ctx, id, sc, n, asked)
	return v, len(asked) == len(all), err
}

func (e *Engine) check(ctx context.Context, id string, sc *scenario.Scenario, n int, asked []scenario.Check) (Verdict, error) {
	if len(asked) == 0 || len(asked) == 1 && asked[0].Script.Nothing() {
		return Verdict{Outcome: Unverified}, nil
	}
	verdicts := make([]CheckVerdict, 0, len(asked))
	err := e.inside(ctx, id, func(s *Sandbox) error {
		until := time.Now().Add(stepTime)
		for _, c := range asked {
			v, err := e.one(ctx, s, id, sc, n, c, time.Until(until))
			if err != nil {
				return err
			}
			verdicts = append(verdicts, v)
		}
		return nil
	})
	switch {
	case err == nil:
		return together(n, verdicts), nil
	case ctx.Err() != nil, errors.Is(err, ErrNotFound), errors.Is(err, ErrChecking):
		return Verdict{}, err
	}
	return Verdict{Outcome: Unchecked, Message: unchecked(n, scenario.Check{}, words.Kept("the sandbox did not answer. This says nothing about your work: try again."))}, nil
}

// one runs one check, in the time that its step has left.
func (e *Engine) one(ctx context.Context, s *Sandbox, id string, sc *scenario.Scenario, n int, c scenario.Check, left time.Duration) (CheckVerdict, error) {
	v := CheckVerdict{Name: c.Name, Expected: c.Expected}
	if c.Script.Nothing() {
		v.Outcome, v.Message = Unchecked, unchecked(n, c, words.Kept("there is no command in its check."))
		return v, nil
	}
	limit := checkTime
	if c.Timeout > 0 {
		limit = time.Duration(c.Timeout) * time.Second
	}
	limit = max(time.Second, min(limit, left))
	relied, err := e.relied(ctx, id, sc, n, c.Script)
	if err != nil {
		return v, err
	}
	// The name is not the scenario's: checks grep through process lists.
	report, err := s.Check(ctx, proto.Script{Name: "check", Source: c.Script.Source, Timeout: seconds(limit), Relies: relied})
	if err != nil {
		return v, err
	}
	v.Outcome, v.Message = judge(sc, n, c, &report, limit)
	if v.Outcome != Failed {
		return v, nil
	}
	if v.Observed, err = observe(ctx, s, c, v.Message); err != nil {
		return v, err
	}
	if c.OnFail != "" {
		v.Message = c.OnFail
	}
	return v, nil
}

// observe says what is there instead of what a check expected: what its author's
// command prints, or what the check itself said.
func observe(ctx context.Context, s *Sandbox, c scenario.Check, said string) (string, error) {
	if c.Observed == "" {
		if c.Name == "" || c.Expected == "" && c.OnFail == "" {
			return "", nil // the message is all there is to say
		}
		return said, nil
	}
	r, err := s.Check(ctx, proto.Script{Name: "check", Source: []byte(c.Observed + "\n"), Timeout: seconds(observeTime)})
	if err != nil {
		return "", err
	}
	if text := tail(r.Stdout); text != "" {
		return text, nil
	}
	return tail(r.Stderr), nil
}

// Hint runs the script that a step has for a hint, which is told how long the
// step has been open.
func (e *Engine) Hint(ctx context.Context, id string, script scenario.Script, open time.Duration) (text string, err error) {
	err = e.inside(ctx, id, func(s *Sandbox) error {
		r, err := s.Check(ctx, proto.Script{
			Name: "hint", Source: script.Source, Args: []string{strconv.Itoa(int(open.Seconds()))}, Timeout: seconds(observeTime),
		})
		text = tail(r.Stdout)
		return err
	})
	return text, err
}

// seconds rounds up: a limit of nothing would be none.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
