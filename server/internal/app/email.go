package app

import (
	"context"
	"net/mail"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Email says where the actor's mail goes.
func (a Actor) Email(ctx context.Context) (e hub.EmailState, err error) {
	if err := a.signedIn(); err != nil {
		return hub.EmailState{}, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		e, err = tx.Email(ctx, a.user.ID)
		return err
	})
	return e, err
}

// ChangeEmail asks for another address. It takes the place of the old one when
// its owner confirms it; a hub without mail takes it at once, unverified.
func (a Actor) ChangeEmail(ctx context.Context, c hub.EmailChange) (e hub.EmailState, err error) {
	if err := a.signedIn(); err != nil {
		return e, err
	}
	c.Email = strings.TrimSpace(c.Email)
	var w wrongs
	w.email("/email", c.Email)
	if err := w.err(); err != nil {
		return e, err
	}
	if err := a.confirm(ctx, c.Password); err != nil {
		return e, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		if a.app.Mail == nil {
			err = tx.SetEmail(ctx, a.user.ID, c.Email, false, a.app.now())
		} else if err = tx.SetPendingEmail(ctx, a.user.ID, c.Email); err == nil {
			if err = a.app.mail(ctx, tx, "email_changed", a.user.ID); err == nil {
				err = a.app.mail(ctx, tx, "verify", a.user.ID)
			}
		}
		if err != nil {
			return err
		}
		if err := tx.Audit(ctx, a.user.ID, a.user.ID, "account.email_changed", map[string]bool{"waits": a.app.Mail != nil}); err != nil {
			return err
		}
		e, err = tx.Email(ctx, a.user.ID)
		return err
	})
	if hub.CodeOf(err) == hub.Conflict {
		return hub.EmailState{}, hub.Wrap(err, hub.Conflict, "That e-mail address is already taken.")
	}
	return e, err
}

// SendVerification sends the message that confirms the actor's address again.
func (a Actor) SendVerification(ctx context.Context) error {
	if err := a.signedIn(); err != nil {
		return err
	}
	if a.app.Mail == nil {
		return &hub.Error{Code: hub.NotFound, Message: "This hub sends no e-mail, and needs no address confirmed."}
	}
	return a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		e, err := tx.Email(ctx, a.user.ID)
		if err != nil {
			return err
		}
		if e.Verified && e.Pending == "" {
			return hub.Errorf(hub.Conflict, "Your e-mail address is already confirmed.")
		}
		asked, err := tx.AuditedSince(ctx, a.user.ID, "account.verification_asked", a.app.now().Add(-mailPause))
		if err != nil {
			return err
		}
		if asked {
			return &hub.Error{Code: hub.Limit, Message: "A message is on its way. Please look for it before you ask again.", RetryAfter: mailPause}
		}
		if err := tx.Audit(ctx, a.user.ID, a.user.ID, "account.verification_asked", nil); err != nil {
			return err
		}
		return a.app.mail(ctx, tx, "verify", a.user.ID)
	})
}

// VerifyEmail confirms the address that the token was sent to, for whoever holds
// it.
func (a Actor) VerifyEmail(ctx context.Context, token string) error {
	token = strings.TrimSpace(token)
	if !strings.HasPrefix(token, verifyPrefix) || len(token) > maxToken {
		return errBadMailToken
	}
	at := attempt{"token", a.source}
	if err := a.app.accounts.guesses.begin(at, a.app.now()); err != nil {
		return tooMany(err)
	}
	var stale bool
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		t, err := tx.TakeMailToken(ctx, "verify", tokenHash(token), a.app.now())
		if err != nil {
			return err
		}
		e, err := tx.Email(ctx, t.UserID)
		if err != nil {
			return err
		}
		if t.Email != e.Pending && t.Email != e.Email {
			stale = true // another one was asked for since
			return nil
		}
		if err := tx.SetEmail(ctx, t.UserID, t.Email, true, a.app.now()); err != nil {
			return err
		}
		return tx.Audit(ctx, "", t.UserID, "account.email_verified", nil)
	})
	switch {
	case hub.CodeOf(err) == hub.NotFound, stale:
		return errBadMailToken
	case hub.CodeOf(err) == hub.Conflict:
		return hub.Wrap(err, hub.Conflict, "That e-mail address is already taken.")
	case err == nil:
		a.app.accounts.guesses.forgive(at, false)
	}
	return err
}

func (w *wrongs) email(pointer, s string) {
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s || len(s) > maxEmail || !oneLine(s) {
		w.add(pointer, "This is not an e-mail address.")
	}
}
