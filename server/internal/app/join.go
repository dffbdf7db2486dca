package app

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Join makes an account for somebody who has proved to a door that they hold key,
// which signs them in from then on. It makes no sign-in.
func (a Actor) Join(ctx context.Context, r hub.Registration, key hub.NewKey) (u hub.User, err error) {
	if err := checkRegistration(&r); err != nil {
		return u, err
	}
	pub, k, err := readKey(key)
	if err != nil {
		return u, err
	}
	// A key that is taken is refused before anything is said of the address: who comes
	// with one learns nothing of others.
	if err := a.app.keyIsFree(ctx, k.Fingerprint); err != nil {
		return u, err
	}
	pw, err := a.app.passwords()
	if err != nil {
		return u, err
	}
	hash, err := pw.hash(ctx, r.Password)
	if err != nil {
		return u, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		if err := tx.KeyIsFree(ctx, k.Fingerprint); err != nil {
			return err
		}
		if u, err = a.open(ctx, tx, r, hash, hub.Free); err != nil {
			return err
		}
		_, err = a.app.addKey(ctx, tx, u.ID, pub, k)
		return err
	})
	return u, err
}

// EnterWithKey adds key, which somebody has proved to a door that they hold, to the
// account whose credentials they have.
func (a Actor) EnterWithKey(ctx context.Context, c hub.Credentials, key hub.NewKey) (hub.User, error) {
	// Before the password is: to sign in takes back that an account is to be deleted.
	_, k, err := readKey(key)
	if err == nil {
		err = a.app.keyIsFree(ctx, k.Fingerprint)
	}
	if err != nil {
		return hub.User{}, err
	}
	as, err := a.SignInForm(ctx, c)
	if err != nil {
		return hub.User{}, err
	}
	_, err = as.AddKey(ctx, key)
	return as.user, err
}

func (a *App) keyIsFree(ctx context.Context, fingerprint string) error {
	return a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) error { return tx.KeyIsFree(ctx, fingerprint) })
}
