package app

import (
	"cmp"
	"context"
	"crypto/rand"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

var errNoCertificate = &hub.Error{Code: hub.NotFound, Message: "There is no such certificate. Its owner's account may be closed; or is a letter wrong?"}

// Certificates lists the actor's certificates, the newest first.
func (a Actor) Certificates(ctx context.Context) (all []hub.Certificate, err error) {
	if err := a.signedIn(); err != nil {
		return nil, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		all, err = tx.Certificates(ctx, a.user.ID)
		return err
	})
	for i := range all {
		all[i].URL = a.app.certificateURL(all[i].ID)
	}
	return all, err
}

// Certificate returns a certificate to anybody who has its id: that is how one
// is verified. Of an account that is closed there is none.
func (a Actor) Certificate(ctx context.Context, id string) (c hub.Certificate, err error) {
	written := hub.CertificateID(id)
	if len(written) != certificateSize {
		return c, errNoCertificate
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		c, err = tx.Certificate(ctx, written)
		return err
	})
	if hub.CodeOf(err) == hub.NotFound {
		return c, errNoCertificate
	}
	c.URL = a.app.certificateURL(c.ID)
	return c, err
}

func (a *App) certificateURL(id string) string {
	if a.PublicURL == "" || id == "" {
		return ""
	}
	return a.PublicURL + "/certificates/" + id
}

const certificateSize = len("bdwp-hqpk-xm2a-7cft")

// award issues a certificate to u, whose merits are locked, if they have completed a
// course and had none for it. Its date is ours: when a lesson was completed is
// what some device said.
func (a *App) award(ctx context.Context, tx postgres.Tx, u hub.User, courseID string) error {
	id := hub.CertificateID(rand.Text()[:16]) // 80 bits
	c, issued, err := tx.IssueCertificate(ctx, id, u.ID, courseID, cmp.Or(u.Profile.DisplayName, u.Username), a.now())
	if err != nil || !issued {
		return err
	}
	return tx.Event(ctx, u.ID, "certificate.issued", map[string]string{"certificate": c.ID, "course_id": courseID, "course": c.Course})
}
