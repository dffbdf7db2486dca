package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	// draftLife is how long a draft is kept that nobody removes: its author
	// only wants to know whether its labs hold.
	draftLife = 24 * time.Hour
	maxDrafts = 10 // of one author
)

// UploadDraft stores the labs of a lab folder, a course folder or a repository
// of scenarios for their author to try. archive is a tar.gz; it is read only
// after the caller proved to be an author, and held to what an import is held
// to.
func (a Actor) UploadDraft(ctx context.Context, archive io.Reader) (d hub.Draft, err error) {
	if err := a.need(hub.Instructor); err != nil {
		return d, err
	}
	tree, err := scenario.Unpack(archive, scenario.Limits{})
	if err != nil {
		return d, importError(err)
	}
	found, rejected, err := draftLabs(tree)
	if err != nil {
		return d, err
	}
	now := a.app.now()
	d = hub.Draft{
		ID: "draft-" + strings.ToLower(rand.Text())[:10], Labs: []hub.DraftLab{},
		Rejected: append([]string{}, rejected...), ExpiresAt: now.Add(draftLife),
	}
	if len(found) == 0 {
		return d, nil
	}
	labs := make([]postgres.LabPublication, 0, len(found))
	for i, s := range found {
		s.Slug = fmt.Sprintf("%s-%d", d.ID, i+1)
		seen := courses.Lab(s)
		lab, err := labPublication(s, seen)
		if err != nil {
			return d, err
		}
		labs = append(labs, lab)
		a.app.dress(&seen)
		d.Labs = append(d.Labs, hub.DraftLab{ID: s.Slug, Path: s.Dir, Title: s.Title, Runnable: seen.Runnable, Reason: seen.Reason})
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		switch n, err := tx.CountDrafts(ctx, a.user.ID); {
		case err != nil:
			return err
		case n >= maxDrafts:
			return hub.Errorf(hub.Limit, "You have %d drafts, and no more are kept at once. They go a day after they came; `cmh author test --hosted` removes its own.", n)
		}
		return tx.AddDraft(ctx, d.ID, a.user.ID, labs, now)
	})
	return d, err
}

// draftLabs reads the labs of a tree, whatever kind of folder it is.
func draftLabs(tree fs.FS) (found []*scenario.Scenario, rejected []string, err error) {
	if _, err := fs.Stat(tree, "course.yaml"); err == nil {
		c, err := courses.Read(tree)
		if wrong, ok := errors.AsType[*courses.Error](err); ok {
			return nil, nil, hub.Errorf(hub.Invalid, "%s", wrong.Phrase())
		}
		if err != nil {
			return nil, nil, hub.Wrap(err, hub.Invalid, "The course can't be read.")
		}
		return c.Labs, nil, nil
	}
	repo, err := scenario.Find(tree)
	if err != nil {
		return nil, nil, importError(err)
	}
	return repo.Scenarios, lines(repo.Rejected), nil
}

// RemoveDraft ends what runs of a draft, and removes it. One that is not there,
// or is somebody else's, is no draft.
func (a Actor) RemoveDraft(ctx context.Context, draft string) error {
	if err := a.need(hub.Instructor); err != nil {
		return err
	}
	var runs []postgres.LabRun
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		owner, err := tx.DraftOwner(ctx, draft)
		if err == nil && owner != a.user.ID && a.user.Role != hub.Admin {
			err = hub.Errorf(hub.NotFound, "There is no such draft.")
		}
		if err != nil {
			return err
		}
		runs, err = tx.DraftRuns(ctx, draft)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range runs {
		_, err := a.endLab(ctx, r.ID, func(_ context.Context, _ postgres.Tx, r *postgres.LabRun) error {
			if r.EndedAt == nil {
				r.State, r.Message = hub.Stopped, stopped
			}
			return nil
		}, "lab.stopped")
		if err != nil {
			return err
		}
	}
	return a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error { return tx.RemoveDraft(ctx, draft) })
}

// forgetDrafts removes the drafts that were left behind.
func (a *App) forgetDrafts(ctx context.Context, tx postgres.Tx) error {
	old, err := tx.OldDrafts(ctx, a.now().Add(-draftLife))
	if err != nil {
		return err
	}
	for _, draft := range old {
		if err := tx.RemoveDraft(ctx, draft); err != nil {
			return err
		}
	}
	return nil
}
