package app

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	certificateTime = 5 * time.Minute
	clockSkew       = 30 * time.Second
	attachPatience  = 15 * time.Second // set-up is waited for at most ten; an agent that hangs takes one look, of destroyTime
)

// LabCertificate signs publicKey for the caller's running session: its holder
// is let in at the gateway as the caller, to that session, for five minutes.
func (a Actor) LabCertificate(ctx context.Context, ref, publicKey string) (c hub.SSHCertificate, err error) {
	r, err := a.runningLab(ctx, ref)
	if err != nil {
		return c, err
	}
	c, err = a.certify(publicKey, []string{r.ID, r.LabID}, ssh.Permissions{Extensions: map[string]string{
		"permit-pty": "", "permit-port-forwarding": "",
	}})
	c.SSH = a.app.session(r).SSH
	return c, err
}

// certify signs publicKey as the caller's, for the SSH user names in as.
func (a Actor) certify(publicKey string, as []string, may ssh.Permissions) (c hub.SSHCertificate, err error) {
	if a.app.Labs.UserCA == nil {
		return c, hub.Errorf(hub.Unavailable, "This installation signs no SSH certificates. Add your key with: cmh key add")
	}
	key, _, err := readKey(hub.NewKey{PublicKey: publicKey})
	if err != nil {
		return c, err
	}
	now := a.app.now()
	cert := &ssh.Certificate{
		Key:             key,
		Serial:          serial(),
		CertType:        ssh.UserCert,
		KeyId:           a.user.ID,
		ValidPrincipals: as,
		ValidAfter:      uint64(now.Add(-clockSkew).Unix()),
		ValidBefore:     uint64(now.Add(certificateTime).Unix()),
		Permissions:     may,
	}
	if err := cert.SignCert(rand.Reader, a.app.Labs.UserCA); err != nil {
		return c, err
	}
	return hub.SSHCertificate{
		Certificate: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(cert))),
		SSH:         a.app.Labs.SSH,
		ExpiresAt:   time.Unix(int64(cert.ValidBefore), 0).UTC(),
	}, nil
}

func serial() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])
}

// ReadySandbox returns the running session that somebody calls name, a session
// or a lab, when nothing stands in the way: its id, which is its sandbox's too,
// and what they are. The id is "" otherwise, and LabSandbox knows why. Who it is, is a user's id, or the
// fingerprint (SHA256:...) of a key proven to be held. Most who come through the
// SSH door come to a lab that is ready: one question answers all of it.
func (a *App) ReadySandbox(ctx context.Context, fingerprint, user, name string) (id string, role hub.Role) {
	var r postgres.LabRun
	err := a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		r, role, err = tx.LabDoor(ctx, fingerprint, user, name)
		return err
	})
	if err != nil || a.stillRuns(r) != nil || r.Node != a.Labs.Node || unsettled(r) {
		return "", ""
	}
	return r.ID, role
}

// LabSandbox returns the sandbox of the caller's running session, once that is
// ready: set-up is waited for.
func (a Actor) LabSandbox(ctx context.Context, ref string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, attachPatience)
	defer cancel()
	tick := time.NewTicker(5 * pollSetup)
	defer tick.Stop()
	for {
		r, err := a.runningLab(ctx, ref)
		if err != nil {
			return "", err
		}
		if r, err = a.app.settleIfFree(ctx, r); err != nil {
			return "", err
		}
		if err := a.app.stillRuns(r); err != nil {
			return "", err
		}
		if r.Node != a.app.Labs.Node {
			return "", hub.Errorf(hub.Unavailable, "The machine this lab runs on cannot be reached from here right now.")
		}
		if r.State != hub.Provisioning {
			return r.ID, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", hub.Wrap(ctx.Err(), hub.Unavailable, "The lab is still being prepared. Please try again in a moment.")
		}
	}
}

// LabAttached notes that a connection to the session's sandbox has begun. Each
// is ended by one LabDetached.
func (a *App) LabAttached(ctx context.Context, session string) error {
	a.work.attach(session, 1)
	return a.attachment(ctx, session)
}

// LabDetached notes that a connection to the session's sandbox has ended, also
// when ctx has ended with it.
func (a *App) LabDetached(ctx context.Context, session string) error {
	a.work.attach(session, -1)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), destroyTime)
	defer cancel()
	return a.attachment(ctx, session)
}

// attachment makes a session's state say whether anybody is attached now. What
// is true at the commit counts, in whatever order the callers come.
func (a *App) attachment(ctx context.Context, session string) error {
	var r postgres.LabRun
	return a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		if r, err = tx.LockLabRun(ctx, session); err != nil || r.EndedAt != nil {
			return err
		}
		attached := a.work.attach(session, 0) > 0
		event := ""
		switch {
		case attached && (r.State == hub.Ready || r.State == hub.Detached):
			r.State, event = hub.Active, "lab.attached"
		case !attached && r.State == hub.Active:
			r.State, event = hub.Detached, "lab.detached"
		default:
			return nil
		}
		if err := tx.SaveLabRun(ctx, r); err != nil {
			return err
		}
		return a.labEvent(ctx, tx, r, event)
	})
}
