package prove

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/cmd/cmh/author"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/proof"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/words"
)

// theHub is what --hosted needs of the hub besides what learners need.
type theHub interface {
	cli.Labs
	UploadDraft(ctx context.Context, archive io.Reader) (hub.Draft, error)
	RemoveDraft(ctx context.Context, draft string) error
}

// hosted proves on the hub: the folder is uploaded as a draft, which nobody
// else sees, each lab is played in sessions of the author's own, and the draft
// is removed, whatever happens.
func (o options) hosted(ctx context.Context, env *cli.Env, from string, subjects []proof.Subject) (found []proof.Lab, err error) {
	backend, err := env.Backend()
	if err != nil {
		return nil, err
	}
	h, ok := backend.(theHub)
	if !ok {
		return nil, hub.Errorf(hub.Invalid, "Labs can't be tested here. Run cmh on your own machine.")
	}
	draft, err := upload(ctx, h, from)
	if err != nil {
		return nil, err
	}
	defer func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if gone := h.RemoveDraft(grace, draft.ID); hub.CodeOf(gone) != hub.NotFound {
			err = errors.Join(err, gone)
		}
	}()
	at := map[string]hub.DraftLab{}
	for _, l := range draft.Labs {
		at[l.Path] = l
	}
	prover := proof.Prover{
		Runs: o.runs, Parallel: o.parallel, Strict: o.strict, Anyway: true, Patience: o.patience, Said: said(env),
		Stage: func(s proof.Subject) proof.Stage { return &session{hub: h, lab: at[s.Scenario.Dir].ID, sc: s.Scenario} },
		Refused: func(s proof.Subject) string {
			l, ok := at[s.Scenario.Dir]
			if !ok {
				return words.Kept("the hub can't read it")
			}
			return l.Reason
		},
	}
	return prover.Prove(ctx, subjects)
}

func upload(ctx context.Context, h theHub, from string) (hub.Draft, error) {
	dir, err := filepath.Abs(from)
	if err != nil {
		return hub.Draft{}, err
	}
	archive, err := author.Pack(ctx, dir)
	if err != nil {
		return hub.Draft{}, err
	}
	defer func() {
		_ = archive.Close()
		_ = os.Remove(archive.Name())
	}()
	return h.UploadDraft(ctx, io.NewSectionReader(archive, 0, 1<<62))
}

// A session is a proof's stage on the hub.
type session struct {
	hub  theHub
	lab  string
	sc   *scenario.Scenario
	ref  string // of the session; empty before the first start
	step int    // that is open
	line *ssh.Client
}

// How long the hub may put us off, and how long we wait between two questions.
const (
	putOff  = 10 * time.Minute
	between = 300 * time.Millisecond
	longest = 10 * time.Second
)

// patient asks again while the hub is busy, and knows a session that has ended
// when it sees one.
func (s *session) patient(ctx context.Context, ask func() error) error {
	for until := time.Now().Add(putOff); ; {
		err := ask()
		code := hub.CodeOf(err)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if code == hub.Conflict || code == hub.NotFound {
			if now, asked := s.hub.LabSession(ctx, s.ref); s.ref != "" && (hub.CodeOf(asked) == hub.NotFound || asked == nil && hub.Ended(now.State)) {
				s.ref = ""
				return fmt.Errorf("%w: %s", proof.ErrGone, hub.MessageOf(err))
			}
		}
		if code != hub.Unavailable && code != hub.Limit || time.Now().After(until) {
			return err
		}
		wait := between
		if e, ok := errors.AsType[*hub.Error](err); ok && e.RetryAfter > 0 {
			wait = min(e.RetryAfter, longest)
		}
		if err := rest(ctx, wait); err != nil {
			return err
		}
	}
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *session) Start(ctx context.Context) error {
	var now hub.LabSession
	err := s.patient(ctx, func() (err error) {
		if s.ref != "" {
			now, err = s.hub.ResetLab(ctx, s.ref, hub.LabReturn{Step: min(1, len(s.sc.Steps))})
		} else {
			now, err = s.hub.StartLab(ctx, s.lab)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.ref = now.ID
	return s.ready(ctx, now)
}

// ready waits until a learner would be let in.
func (s *session) ready(ctx context.Context, now hub.LabSession) error {
	for now.State == hub.Provisioning {
		if err := rest(ctx, between); err != nil {
			return err
		}
		err := s.patient(ctx, func() (err error) {
			now, err = s.hub.LabSession(ctx, s.ref)
			return err
		})
		if err != nil {
			return err
		}
	}
	if hub.Ended(now.State) {
		s.ref = ""
		return fmt.Errorf("%w: %s", proof.ErrGone, now.Message)
	}
	s.step = now.Step
	return nil
}

// Open moves on as learners do: a step that can't be passed is checked until it
// may be skipped.
func (s *session) Open(ctx context.Context, n int) error {
	for checks := 0; s.step < n; {
		err := s.patient(ctx, func() error {
			now, err := s.hub.NextLabStep(ctx, s.ref)
			if err == nil {
				s.step = now.Step
			}
			return err
		})
		if hub.CodeOf(err) != hub.Conflict {
			if err != nil {
				return err
			}
			continue
		}
		now, asked := s.hub.LabSession(ctx, s.ref) // a challenge moves on by itself
		if asked == nil && now.Step > s.step {
			s.step = now.Step
			continue
		}
		if checks++; checks > 4 {
			return err
		}
		if now, skipped := s.hub.SkipLabStep(ctx, s.ref); skipped == nil {
			s.step = now.Step
			continue
		}
		if err := s.try(ctx, s.step); err != nil {
			return err
		}
	}
	return nil
}

// try makes one of the tries that a step has to see before it is skipped.
func (s *session) try(ctx context.Context, n int) error {
	if s.sc.Steps[n-1].Checked() {
		_, err := s.Check(ctx, n)
		return err
	}
	for i, q := range s.sc.Questions(n) {
		if _, wrong := q.Samples(); wrong != nil {
			_, err := s.Answer(ctx, n, i+1, wrong)
			return err
		}
	}
	return nil
}

func (s *session) Check(ctx context.Context, n int) (v labs.Verdict, err error) {
	asked := s.sc.Steps[n-1].Asked()
	if len(asked) == 0 || len(asked) == 1 && asked[0].Script.Nothing() {
		return labs.Verdict{Outcome: labs.Unverified}, nil
	}
	var res hub.CheckResult
	for {
		err = s.patient(ctx, func() (err error) {
			res, err = s.hub.CheckLab(ctx, s.ref, n)
			return err
		})
		if hub.CodeOf(err) != hub.Conflict { // else it is being checked, by itself
			break
		}
		if err := rest(ctx, between); err != nil {
			return v, err
		}
	}
	return labs.Verdict{Outcome: labs.Outcome(res.State), Message: res.Message}, err
}

func (s *session) Answer(ctx context.Context, n, question int, answer []string) (bool, error) {
	var res hub.AnswerResult
	err := s.patient(ctx, func() (err error) {
		res, err = s.hub.AnswerLab(ctx, s.ref, hub.LabAnswer{Step: n, Question: question, Answer: answer})
		return err
	})
	return res.Right, err
}

// Line comes through the gateway, which leads to the first host alone: from
// there learners log in to the others.
func (s *session) Line(ctx context.Context, host int) (*ssh.Client, string, error) {
	names := s.sc.HostNames()
	if host > len(names) {
		return nil, "", labs.ErrNotFound
	}
	if s.line == nil {
		err := s.patient(ctx, func() (err error) {
			s.line, err = labssh.Connect(ctx, func(ctx context.Context, key string) (hub.SSHCertificate, error) {
				return s.hub.LabCertificate(ctx, s.ref, key)
			})
			return err
		})
		if err != nil {
			return nil, "", err
		}
	}
	if host == 1 {
		return s.line, "", nil
	}
	return s.line, "exec ssh " + names[host-1][0], nil
}

func (s *session) Run(ctx context.Context, command string) ([]byte, int, error) {
	line, _, err := s.Line(ctx, 1)
	if err != nil {
		return nil, 0, err
	}
	beside, err := line.NewSession()
	if err != nil {
		return nil, 0, err
	}
	defer beside.Close()
	stop := context.AfterFunc(ctx, func() { _ = beside.Close() })
	defer stop()
	out, err := beside.Output(command)
	if exit, ok := errors.AsType[*ssh.ExitError](err); ok {
		return out, exit.ExitStatus(), nil
	}
	return out, 0, err
}

// Sourcing is not told to learners.
func (s *session) Sourcing(context.Context) (int, bool, error) { return 0, false, nil }

func (s *session) Clear() {
	if s.line != nil {
		_ = s.line.Close()
		s.line = nil
	}
}

func (s *session) End(ctx context.Context) error {
	if s.ref == "" {
		return nil
	}
	_, err := s.hub.StopLab(ctx, s.ref)
	if slices.Contains([]hub.Code{hub.NotFound, hub.Conflict}, hub.CodeOf(err)) {
		err = nil
	}
	s.ref = ""
	return err
}
