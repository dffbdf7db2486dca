package app

import (
	"context"
	"net/mail"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const mailPause = time.Minute // between two messages of one kind to one account

var errWrongPassword = &hub.Error{Code: hub.Forbidden, Message: "The password is wrong."}

// confirm makes sure that the actor knows its password. Misses are limited as
// those of signing in are.
func (a Actor) confirm(ctx context.Context, password string) error {
	if len(password) > maxPasswordBytes {
		return errWrongPassword
	}
	at := attempt{"confirm " + a.user.ID, a.source}
	if err := a.app.accounts.attempts.begin(at, a.app.now()); err != nil {
		return err
	}
	pw, err := a.app.passwords()
	if err != nil {
		return err
	}
	var hash string
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		hash, err = tx.PasswordHash(ctx, a.user.ID)
		return err
	})
	if err != nil {
		return err
	}
	ok, err := pw.matches(ctx, hash, password)
	if err != nil {
		a.app.accounts.attempts.forgive(at, false)
		return err
	}
	if !ok {
		return errWrongPassword
	}
	a.app.accounts.attempts.forgive(at, true)
	return nil
}

// ChangePassword replaces the actor's password, and ends its other sign-ins.
func (a Actor) ChangePassword(ctx context.Context, c hub.PasswordChange) error {
	if err := a.signedIn(); err != nil {
		return err
	}
	var w wrongs
	w.password("/new_password", c.New, a.user.Username, a.user.Email)
	if err := w.err(); err != nil {
		return err
	}
	if err := a.confirm(ctx, c.Current); err != nil {
		return err
	}
	return a.app.setPassword(ctx, a.user.ID, a.user.ID, c.New, a.family, false)
}

// setPassword replaces a password and ends the user's sign-ins but the one kept:
// none, for somebody who came by SSH. lost says that they had lost control of the
// account.
func (a *App) setPassword(ctx context.Context, actor, userID, password, keep string, lost bool) error {
	pw, err := a.passwords()
	if err != nil {
		return err
	}
	hash, err := pw.hash(ctx, password)
	if err != nil {
		return err
	}
	var ended []string
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		ended, err = a.storePassword(ctx, tx, actor, userID, hash, keep, lost)
		return err
	})
	a.forgetAll(ended)
	return err
}

func (a *App) storePassword(ctx context.Context, tx postgres.Tx, actor, userID, hash, keep string, lost bool) ([]string, error) {
	if err := tx.SetPassword(ctx, userID, hash, a.now()); err != nil {
		return nil, err
	}
	if err := tx.Audit(ctx, actor, userID, "account.password_changed", nil); err != nil {
		return nil, err
	}
	if err := a.mail(ctx, tx, "password_changed", userID); err != nil {
		return nil, err
	}
	if lost { // what was made meanwhile goes
		if err := tx.RemoveAPIKeys(ctx, userID); err != nil {
			return nil, err
		}
	}
	return a.endSessions(ctx, tx, actor, userID, "", keep)
}

// ForgotPassword sends a message to reset the password, if somebody has that
// address. Whether anybody has is not told.
func (a Actor) ForgotPassword(ctx context.Context, email string) error {
	if a.app.Mail == nil {
		return errNoMail
	}
	email = strings.ToLower(strings.TrimSpace(email))
	if at, err := mail.ParseAddress(email); err != nil || at.Address != email || len(email) > maxEmail {
		return wrongField("/email", "This is not an e-mail address.")
	}
	if err := a.app.accounts.asked.begin(attempt{"reset " + email, a.source}, a.app.now()); err != nil {
		return tooMany(err)
	}
	return a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		u, _, err := tx.UserByLogin(ctx, email)
		if hub.CodeOf(err) == hub.NotFound {
			u.ID, err = nobody, nil
		}
		if err != nil {
			return err
		}
		asked, err := tx.AuditedSince(ctx, u.ID, "account.reset_asked", a.app.now().Add(-mailPause))
		if err != nil {
			return err
		}
		subject, to := u.ID, u.ID
		if asked || u.ID == nobody { // a message is on its way, or nobody's
			subject, to = "", nobody
		}
		if err := tx.Audit(ctx, "", subject, "account.reset_asked", nil); err != nil {
			return err
		}
		return a.app.mail(ctx, tx, "reset", to)
	})
}

// nobody has the id that no account has. What is done for nobody takes as long as
// for anybody, and so doesn't tell who has an account.
const nobody = "00000000-0000-0000-0000-000000000000"

// tooMany is what a limit on guesses says where there is no password.
func tooMany(err error) error {
	e, ok := err.(*hub.Error) //nolint:errorlint // attempts returns it as it is
	if !ok {
		return err
	}
	return &hub.Error{Code: hub.Limit, Message: "Too many tries. Please wait a minute.", RetryAfter: e.RetryAfter}
}

var errBadMailToken = &hub.Error{
	Code: hub.Invalid, Message: "That code is wrong, was used, or has run out. Ask for a new one.",
	Fields: []hub.FieldError{{Pointer: "/token", Detail: "That code is wrong, was used, or has run out."}},
}

// ResetPassword sets a new password for whoever reads the account's mail, and
// ends all of its sign-ins and API keys. A password that is refused does not use
// up the token.
func (a Actor) ResetPassword(ctx context.Context, r hub.PasswordReset) error {
	token := strings.TrimSpace(r.Token)
	if !strings.HasPrefix(token, resetPrefix) || len(token) > maxToken {
		return errBadMailToken
	}
	at := attempt{"token", a.source}
	if err := a.app.accounts.guesses.begin(at, a.app.now()); err != nil {
		return tooMany(err)
	}
	var u hub.User
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		u, err = tx.UserOfMailToken(ctx, "reset", tokenHash(token), a.app.now())
		return err
	})
	if hub.CodeOf(err) == hub.NotFound {
		return errBadMailToken
	}
	if err != nil {
		return err
	}
	a.app.accounts.guesses.forgive(at, false)
	var w wrongs
	w.password("/new_password", r.New, u.Username, u.Email)
	if err := w.err(); err != nil {
		return err
	}
	pw, err := a.app.passwords()
	if err != nil {
		return err
	}
	hash, err := pw.hash(ctx, r.New)
	if err != nil {
		return err
	}
	var ended []string
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		t, err := tx.TakeMailToken(ctx, "reset", tokenHash(token), a.app.now())
		if err != nil {
			return err
		}
		e, err := tx.Email(ctx, t.UserID)
		switch {
		case err != nil:
			return err
		case e.Email != t.Email: // the account's mail goes elsewhere since
			return errBadMailToken
		case !e.Verified: // it has just been read there
			if err := tx.SetEmail(ctx, t.UserID, t.Email, true, a.app.now()); err != nil {
				return err
			}
			// Whoever left keys there before never read that mailbox.
			if err := tx.RemoveKeys(ctx, t.UserID); err != nil {
				return err
			}
		}
		ended, err = a.app.storePassword(ctx, tx, "", t.UserID, hash, "", true)
		return err
	})
	a.app.forgetAll(ended)
	if hub.CodeOf(err) == hub.NotFound {
		return errBadMailToken
	}
	return err
}

// SetPassword is the operator's way to give somebody a new password. It ends all
// of the account's sign-ins and API keys.
func (a *App) SetPassword(ctx context.Context, login, password string) (u hub.User, err error) {
	err = a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		u, _, err = tx.UserByLogin(ctx, login)
		return err
	})
	if err != nil {
		return u, err
	}
	var w wrongs
	w.password("/password", password, u.Username, u.Email)
	if err := w.err(); err != nil {
		return u, err
	}
	return u, a.setPassword(ctx, "", u.ID, password, "", true)
}
