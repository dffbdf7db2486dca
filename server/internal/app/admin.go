package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/words"
)

// What administrators may do with the accounts of others. Choosing a password,
// reading one, or signing in as somebody isn't among it.

var errNoAccount = &hub.Error{Code: hub.NotFound, Message: "There is no such account."}

// assignable are the roles that an account can have.
var assignable = []hub.Role{hub.Free, hub.Premium, hub.Instructor, hub.Admin}

// Accounts lists accounts, the newest first. Limit defaults to 30.
func (a Actor) Accounts(ctx context.Context, f hub.AccountFilter) (hub.Page[hub.Account], error) {
	page := hub.Page[hub.Account]{Items: []hub.Account{}}
	if err := a.need(hub.Admin); err != nil {
		return page, err
	}
	var w wrongs
	if f.Query = strings.TrimSpace(f.Query); !searchable(f.Query) {
		w.add("/q", "A search is at most 200 characters, without control characters.")
	}
	if f.Role != "" && !slices.Contains(assignable, f.Role) {
		w.add("/role", "The roles are free, premium, instructor and admin.")
	}
	w.limit(&f.Paging)
	if err := w.err(); err != nil {
		return page, err
	}
	list := f
	list.Paging = hub.Paging{}
	var err error
	page.Next, err = paged(ctx, a.app, struct{ Accounts hub.AccountFilter }{list}, f.Cursor,
		func(ctx context.Context, tx postgres.Tx, after *postgres.AccountKey) (next *postgres.AccountKey, err error) {
			page.Items, next, err = tx.Accounts(ctx, f, after)
			return next, err
		})
	return page, err
}

// Account returns an account by its id, e-mail address or user name.
func (a Actor) Account(ctx context.Context, ref string) (d hub.AccountDetail, err error) {
	if err := a.need(hub.Admin); err != nil {
		return d, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		d, err = a.accountIn(ctx, tx, ref)
		return err
	})
	return d, err
}

func (a Actor) accountIn(ctx context.Context, tx postgres.Tx, ref string) (hub.AccountDetail, error) {
	if ref == "" || len(ref) > maxEmail || !oneLine(ref) {
		return hub.AccountDetail{}, errNoAccount
	}
	return tx.Account(ctx, ref, a.app.now())
}

// SetRole gives somebody another role. Their sign-ins end, so that none goes on
// with what was allowed before, and with a lower role their API keys as well.
// Whoever is the last admin stays one.
func (a Actor) SetRole(ctx context.Context, ref string, role hub.Role) (hub.AccountDetail, error) {
	if !slices.Contains(assignable, role) {
		return hub.AccountDetail{}, hub.Unfit([]hub.FieldError{hub.Field("/role", "The roles are free, premium, instructor and admin.")})
	}
	return a.changeAccount(ctx, ref, func(ctx context.Context, tx postgres.Tx, d hub.AccountDetail) ([]string, error) {
		if d.Role == role {
			return nil, nil
		}
		if err := a.leavesAnAdmin(ctx, tx, d, role == hub.Admin); err != nil {
			return nil, err
		}
		if err := tx.SetRole(ctx, d.ID, role); err != nil {
			return nil, err
		}
		if access.Rank(role) < access.Rank(d.Role) {
			if err := tx.RemoveAPIKeys(ctx, d.ID); err != nil {
				return nil, err
			}
		}
		if err := tx.Audit(ctx, a.user.ID, d.ID, "account.role_changed", map[string]hub.Role{"from": d.Role, "to": role}); err != nil {
			return nil, err
		}
		return a.app.endSessions(ctx, tx, a.user.ID, d.ID, "", "")
	})
}

// Suspend closes every door to somebody's account at once: their sign-ins end,
// their API and SSH keys let nobody in, and their labs stop, with what they made
// kept. It lasts until Unsuspend; signing in doesn't undo it.
func (a Actor) Suspend(ctx context.Context, ref string) (hub.AccountDetail, error) {
	d, err := a.changeAccount(ctx, ref, func(ctx context.Context, tx postgres.Tx, d hub.AccountDetail) ([]string, error) {
		if d.ID == a.user.ID {
			return nil, hub.Errorf(hub.Conflict, "That is your own account.")
		}
		if err := a.leavesAnAdmin(ctx, tx, d, false); err != nil {
			return nil, err
		}
		changed, err := tx.Suspend(ctx, d.ID, a.app.now())
		if err != nil || !changed {
			return nil, err
		}
		if err := tx.Audit(ctx, a.user.ID, d.ID, "account.suspended", nil); err != nil {
			return nil, err
		}
		return a.app.endSessions(ctx, tx, a.user.ID, d.ID, "", "")
	})
	if err != nil || d.LabsRunning == 0 {
		return d, err
	}
	if err := a.stopLabsOf(ctx, d.ID); err != nil {
		return d, err // asked again, it stops the others
	}
	return a.Account(ctx, d.ID)
}

// Unsuspend opens an account again.
func (a Actor) Unsuspend(ctx context.Context, ref string) (hub.AccountDetail, error) {
	return a.changeAccount(ctx, ref, func(ctx context.Context, tx postgres.Tx, d hub.AccountDetail) ([]string, error) {
		changed, err := tx.Unsuspend(ctx, d.ID, a.app.now())
		if err != nil || !changed {
			return nil, err
		}
		return nil, tx.Audit(ctx, a.user.ID, d.ID, "account.unsuspended", nil)
	})
}

// changeAccount changes somebody's account, and makes this process forget what
// it knew of it and of the sign-ins that ended.
func (a Actor) changeAccount(ctx context.Context, ref string, change func(context.Context, postgres.Tx, hub.AccountDetail) ([]string, error)) (d hub.AccountDetail, err error) {
	if err := a.need(hub.Admin); err != nil {
		return d, err
	}
	var ended []string
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		if d, err = a.accountIn(ctx, tx, ref); err != nil {
			return err
		}
		if ended, err = change(ctx, tx, d); err != nil {
			return err
		}
		d, err = tx.Account(ctx, d.ID, a.app.now())
		return err
	})
	a.app.known.forgetUser(d.ID) // even after an error: a commit may have been done and not heard of
	a.app.forgetAll(ended)
	return d, err
}

// leavesAnAdmin refuses to take the last admin away. stays says that the account
// remains one.
func (a Actor) leavesAnAdmin(ctx context.Context, tx postgres.Tx, d hub.AccountDetail, stays bool) error {
	if d.Role != hub.Admin || stays {
		return nil
	}
	others, err := tx.OtherAdmins(ctx, d.ID)
	if err == nil && others == 0 {
		err = hub.Errorf(hub.Conflict, "%s is the last admin. Make somebody else one first.", d.Username)
	}
	return err
}

func (a Actor) stopLabsOf(ctx context.Context, userID string) error {
	var runs []postgres.LabRun
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		runs, err = tx.RunningLabs(ctx, userID)
		return err
	})
	for _, r := range runs {
		if err == nil {
			err = a.stopOthersLab(ctx, r.ID)
		}
	}
	return err
}

// LabsInFlight lists the sessions that run, whoever's they are, the newest
// first. Limit defaults to 30.
func (a Actor) LabsInFlight(ctx context.Context, p hub.Paging) (hub.Page[hub.LabInFlight], error) {
	page := hub.Page[hub.LabInFlight]{Items: []hub.LabInFlight{}}
	if err := a.need(hub.Admin); err != nil {
		return page, err
	}
	var w wrongs
	w.limit(&p)
	if err := w.err(); err != nil {
		return page, err
	}
	var err error
	page.Next, err = paged(ctx, a.app, "labs in flight", p.Cursor,
		func(ctx context.Context, tx postgres.Tx, after *postgres.AccountKey) (next *postgres.AccountKey, err error) {
			page.Items, next, err = tx.LabsInFlight(ctx, p, after)
			return next, err
		})
	return page, err
}

const stoppedByAdmin = "It was stopped by an administrator. What you made is kept: go on with cmh lab resume."

var _ = words.Kept(stoppedByAdmin)

// StopLabInFlight ends somebody's session, as if they had stopped it. One that
// has ended is left as it is.
func (a Actor) StopLabInFlight(ctx context.Context, session string) error {
	if err := a.need(hub.Admin); err != nil {
		return err
	}
	return a.stopOthersLab(ctx, session)
}

func (a Actor) stopOthersLab(ctx context.Context, session string) error {
	_, err := a.endLab(ctx, session, func(ctx context.Context, tx postgres.Tx, r *postgres.LabRun) error {
		if r.EndedAt != nil {
			return nil
		}
		r.State, r.Message = hub.Stopped, stoppedByAdmin
		return tx.Audit(ctx, a.user.ID, r.UserID, "lab.stopped", map[string]string{"session": r.ID, "lab": r.LabID})
	}, "lab.stopped")
	return err
}

// AuditLog lists what was done to accounts, the newest first. Limit defaults to
// 30. Nothing changes it: see postgres.
func (a Actor) AuditLog(ctx context.Context, f hub.AuditFilter) (hub.Page[hub.AuditEntry], error) {
	page := hub.Page[hub.AuditEntry]{Items: []hub.AuditEntry{}}
	if err := a.need(hub.Admin); err != nil {
		return page, err
	}
	var w wrongs
	for pointer, id := range map[string]string{"/actor": f.ActorID, "/subject": f.SubjectID} {
		if id != "" && !isUUID(id) {
			w.add(pointer, "This is not the id of an account.")
		}
	}
	if !searchable(f.Action) {
		w.add("/action", "This is not an action, such as account.signed_in.")
	}
	w.limit(&f.Paging)
	if err := w.err(); err != nil {
		return page, err
	}
	list := f
	list.Paging = hub.Paging{}
	var err error
	page.Next, err = paged(ctx, a.app, struct{ Audit hub.AuditFilter }{list}, f.Cursor,
		func(ctx context.Context, tx postgres.Tx, before *int64) (next *int64, err error) {
			page.Items, next, err = tx.AuditLog(ctx, f, before)
			return next, err
		})
	return page, err
}

// Stats says how much there is of everything. No table is counted whole.
func (a Actor) Stats(ctx context.Context) (s hub.Stats, err error) {
	if err := a.need(hub.Admin); err != nil {
		return s, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		for table, to := range map[string]*hub.Count{
			"users": &s.Users, "courses": &s.Courses, "enrollments": &s.Enrollments, "user_progress": &s.Lessons,
			"certificates": &s.Certificates, "lab_sessions": &s.LabSessions,
		} {
			if *to, err = tx.CountRows(ctx, table); err != nil {
				return err
			}
		}
		if s.NewUsers, err = tx.CountUsersSince(ctx, a.app.now().Add(-24*time.Hour)); err != nil {
			return err
		}
		s.LabsRunning, err = tx.CountLabStates(ctx)
		return err
	})
	return s, err
}
