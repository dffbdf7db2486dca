package app

import (
	"context"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// WatchPrefix stands before a session's id in the SSH user name of those who
// only look on.
const WatchPrefix = "watch-"

// ShareLab lets those who teach look on in the caller's session, or no longer:
// the owner of the lab's course and admins. They see its terminals and can do
// nothing in them; each terminal says when somebody begins.
func (a Actor) ShareLab(ctx context.Context, ref string, on bool) (s hub.LabSharing, err error) {
	r, err := a.runningLab(ctx, ref)
	if err != nil {
		return s, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		now := a.app.now()
		since, event := &now, "lab.shared"
		if !on {
			since, event = nil, "lab.unshared"
		}
		changed, err := tx.ShareLab(ctx, r.ID, since)
		if err == nil && changed {
			err = a.app.labEvent(ctx, tx, r, event)
		}
		if err != nil {
			return err
		}
		s, err = sharing(ctx, tx, r.ID)
		return err
	})
	return s, err
}

// LabSharing says whether the caller's session is shared.
func (a Actor) LabSharing(ctx context.Context, ref string) (s hub.LabSharing, err error) {
	r, err := a.labRun(ctx, ref)
	if err != nil {
		return s, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		s, err = sharing(ctx, tx, r.ID)
		return err
	})
	return s, err
}

func sharing(ctx context.Context, tx postgres.Tx, session string) (hub.LabSharing, error) {
	since, err := tx.LabSharing(ctx, session)
	return hub.LabSharing{SessionID: session, Shared: since != nil, SharedAt: since}, err
}

// SharedLabs lists the sessions that the caller may look on in.
func (a Actor) SharedLabs(ctx context.Context) (shared []hub.SharedLab, err error) {
	if err := a.need(hub.Instructor); err != nil {
		return nil, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		shared, err = tx.SharedLabs(ctx, a.user.ID, a.seesAll(), a.app.now())
		return err
	})
	return shared, err
}

func (a Actor) seesAll() bool { return access.Rank(a.user.Role) >= access.Rank(hub.Admin) }

// WatchedLab returns the sandbox of somebody's session that the caller may look
// on in, which is its id. A session that is not shared, one of a course that
// isn't the caller's and one that doesn't exist give the same answer.
func (a Actor) WatchedLab(ctx context.Context, session string) (string, error) {
	r, err := a.watchable(ctx, session)
	return r.ID, err
}

func (a Actor) watchable(ctx context.Context, session string) (r postgres.LabRun, err error) {
	if err := a.signedIn(); err != nil {
		return r, err
	}
	if access.Rank(a.user.Role) < access.Rank(hub.Instructor) {
		return r, hub.Errorf(hub.NotFound, "There is no such lab session.")
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		r, err = tx.WatchableLab(ctx, a.user.ID, a.seesAll(), session)
		return err
	})
	if err == nil && !r.ExpiresAt.After(a.app.now()) {
		err = hub.Errorf(hub.NotFound, "There is no such lab session.")
	}
	if err == nil && r.Node != a.app.Labs.Node {
		err = hub.Errorf(hub.Unavailable, "The machine this lab runs on cannot be reached from here right now.")
	}
	return r, err
}

// WatchCertificate signs publicKey for looking on in somebody's session, and for
// nothing else.
func (a Actor) WatchCertificate(ctx context.Context, session, publicKey string) (c hub.SSHCertificate, err error) {
	r, err := a.watchable(ctx, session)
	if err != nil {
		return c, err
	}
	user := WatchPrefix + r.ID
	c, err = a.certify(publicKey, []string{user}, ssh.Permissions{Extensions: map[string]string{"permit-pty": ""}})
	c.SSH.User = user
	return c, err
}
