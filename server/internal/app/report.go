package app

import (
	"context"
	"crypto/rand"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	maxReport  = 2000 // characters
	maxReports = 200  // in one list
)

// ReportLab stores what the caller says of the check of a step they have
// reached, with how the step stands; 0 is the current one. A session that has
// ended will do.
func (a Actor) ReportLab(ctx context.Context, ref string, step int, text string) (rep hub.LabReport, err error) {
	r, err := a.labRun(ctx, ref)
	if err != nil {
		return rep, err
	}
	n, err := stepOf(r, step)
	if err != nil {
		return rep, err
	}
	if n > r.Step {
		return rep, hub.Errorf(hub.Conflict, "Step %d is not open yet. You are at step %d.", n, r.Step)
	}
	if text, err = written(text, "/text"); err != nil {
		return rep, err
	}
	if text == "" {
		return rep, wrongField("/text", "Say what is wrong, so that somebody can mend it.")
	}
	rep = hub.LabReport{
		ID: "r-" + strings.ToLower(rand.Text())[:10], SessionID: r.ID, LabID: r.LabID, Version: r.Version,
		Step: n, Text: text, Verdict: r.Steps[n-1], CreatedAt: a.app.now(),
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if rep, err = tx.AddLabReport(ctx, rep, a.user.ID); err != nil {
			return err
		}
		return tx.Event(ctx, a.user.ID, "lab.reported", map[string]any{
			"report": rep.ID, "session": r.ID, "lab": r.LabID, "version": r.Version, "step": n, "state": rep.Verdict.State,
		})
	})
	return rep, err
}

// written is what somebody wrote, held to a size; what can't be shown is refused.
func written(text, pointer string) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	odd := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	if len(text) > 4*maxReport || !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxReport || strings.ContainsFunc(text, odd) {
		return "", wrongField(pointer, "Use at most 2000 characters, without control characters.")
	}
	return text, nil
}

func wrongField(pointer, format string, args ...any) error {
	return hub.Unfit([]hub.FieldError{hub.Field(pointer, format, args...)})
}

// teacher is whose labs the caller teaches: an admin all, which "" stands for.
func (a Actor) teacher() string {
	if a.user.Role == hub.Admin {
		return ""
	}
	return a.user.ID
}

// LabReports lists the open reports on the labs that the caller teaches, or on
// one of them, the newest first.
func (a Actor) LabReports(ctx context.Context, lab string) (all []hub.LabReport, err error) {
	if err := a.need(hub.Instructor); err != nil {
		return nil, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		all, err = tx.LabReports(ctx, a.teacher(), lab, maxReports)
		return err
	})
	return all, err
}

// SettleReport takes a report off the list.
func (a Actor) SettleReport(ctx context.Context, report string) error {
	if err := a.need(hub.Instructor); err != nil {
		return err
	}
	return a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		found, err := tx.SettleReport(ctx, a.teacher(), report, a.app.now())
		if err == nil && !found {
			err = hub.Errorf(hub.NotFound, "There is no such report.")
		}
		return err
	})
}

// MarkCheck says whether the check of a step is broken, in the newest version of
// a lab that the caller teaches. Sessions that run on it hear of it at once:
// the step is one without a check to them.
func (a Actor) MarkCheck(ctx context.Context, lab string, step int, broken bool, note string) (m hub.CheckMark, err error) {
	if err := a.need(hub.Instructor); err != nil {
		return m, err
	}
	if note, err = written(note, "/note"); err != nil {
		return m, err
	}
	m = hub.CheckMark{LabID: lab, Step: step, Broken: broken, Note: note}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		var steps int
		if m.Version, steps, err = tx.TaughtLab(ctx, a.teacher(), lab); err != nil {
			return err
		}
		if step < 1 || step > steps {
			return hub.Errorf(hub.NotFound, "The lab %s has no step %d.", lab, step)
		}
		changed, err := tx.MarkCheck(ctx, m, a.user.ID, a.app.now())
		if err != nil || !changed {
			return err
		}
		return tx.Event(ctx, a.user.ID, "lab.check_marked", map[string]any{"lab": lab, "version": m.Version, "step": step, "broken": broken})
	})
	return m, err
}
