package app

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/oidc"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const attemptLife = 10 * time.Minute

// elsewhere is what a browser carries, sealed, while its user is asked elsewhere
// who they are, and afterwards until they confirm. Nothing of it is kept here.
type elsewhere struct {
	Step     string    `json:"step"` // asked or known
	UserCode string    `json:"user_code"`
	Until    time.Time `json:"until"`

	State, Nonce, Verifier string // while they are asked
	UserID                 string // once they are known
	Known                  time.Time
}

var (
	errNoProvider = &hub.Error{Code: hub.NotFound, Message: "This hub knows nobody else to ask."}
	errAttempt    = &hub.Error{Code: hub.Invalid, Message: "This attempt has run out, or began in another browser. Begin anew."}
	errElsewhere  = &hub.Error{Code: hub.Unauthenticated, Message: "You could not be signed in there. Begin anew."}
)

// ProviderName is what people call who else can be asked; empty for nobody.
func (a *App) ProviderName() string {
	if a.OIDC == nil {
		return ""
	}
	return a.OIDC.Name()
}

// AskElsewhere begins to confirm a user code by signing in elsewhere: it returns
// where the browser goes, and what it must bring back.
func (a Actor) AskElsewhere(ctx context.Context, userCode string) (to, carry string, err error) {
	if a.app.OIDC == nil {
		return "", "", errNoProvider
	}
	d, err := a.DeviceRequest(ctx, userCode)
	if err != nil {
		return "", "", err
	}
	e := elsewhere{
		Step: "asked", UserCode: d.UserCode, Until: a.app.now().Add(attemptLife),
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
	}
	if to, err = a.app.OIDC.AuthURL(ctx, e.State, e.Nonce, e.Verifier); err != nil {
		return "", "", hub.Wrap(err, hub.Unavailable, "%s does not answer. Please try again.", a.app.OIDC.Name())
	}
	carry, err = a.app.seal(ctx, e)
	return to, carry, err
}

// KnownElsewhere finishes the asking. It returns who the user is here, which
// program waits for their word, and what the browser must bring to give it.
func (a Actor) KnownElsewhere(ctx context.Context, carried, state, code string) (u hub.User, d hub.DeviceRequest, carry string, err error) {
	if a.app.OIDC == nil {
		return u, d, "", errNoProvider
	}
	e, err := a.app.unseal(ctx, carried, "asked")
	if err != nil {
		return u, d, "", err
	}
	if subtle.ConstantTimeCompare([]byte(state), []byte(e.State)) != 1 {
		return u, d, "", errAttempt
	}
	if code == "" {
		return u, d, "", errElsewhere
	}
	if err := a.app.accounts.guesses.begin(attempt{"elsewhere", a.source}, a.app.now()); err != nil {
		return u, d, "", tooMany(err)
	}
	p, err := a.app.OIDC.Exchange(ctx, code, e.Nonce, e.Verifier)
	if err != nil {
		return u, d, "", hub.Wrap(err, hub.Unauthenticated, "%s", errElsewhere.Message)
	}
	if d, err = a.DeviceRequest(ctx, e.UserCode); err != nil {
		return u, d, "", err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		u, err = a.app.accountOf(ctx, tx, p)
		return err
	})
	if err != nil {
		return u, d, "", err
	}
	now := a.app.now()
	carry, err = a.app.seal(ctx, elsewhere{Step: "known", UserCode: e.UserCode, Until: now.Add(attemptLife), UserID: u.ID, Known: now})
	return u, d, carry, err
}

// accountOf finds the account of somebody whom a provider knows, or makes one.
//
// Whom the provider has named before is who they were then, whatever their
// address is now. Otherwise an address joins the two only if it was confirmed on
// both sides: here, or whoever registered a stranger's address would share what
// the stranger does; there, or anybody could claim it.
func (a *App) accountOf(ctx context.Context, tx postgres.Tx, p oidc.Person) (hub.User, error) {
	u, err := tx.UserByIdentity(ctx, p.Issuer, p.Subject)
	if err == nil {
		return u, a.keep(ctx, tx, u.ID)
	}
	if hub.CodeOf(err) != hub.NotFound {
		return u, err
	}
	if taken, err := tx.IdentityTaken(ctx, p.Issuer, p.Subject); err != nil {
		return u, err
	} else if taken {
		return u, hub.Errorf(hub.Forbidden, "Your account is closed.")
	}
	var w wrongs
	w.email("/email", p.Email)
	if w.err() != nil || !p.EmailVerified {
		return u, hub.Errorf(hub.Forbidden, "%s has not confirmed your e-mail address. Confirm it there, or make an account with a password.", a.OIDC.Name())
	}
	id, verified, disabled, err := tx.EmailOwner(ctx, p.Email)
	switch {
	case hub.CodeOf(err) == hub.NotFound:
		return a.welcome(ctx, tx, p)
	case err != nil:
		return u, err
	case disabled:
		return u, hub.Errorf(hub.Forbidden, "Your account is closed.")
	case !verified:
		return u, hub.Errorf(hub.Forbidden, "An account here has your e-mail address and has not confirmed it. Sign in to it with its password and confirm the address, then come back.")
	}
	if err := tx.LinkIdentity(ctx, p.Issuer, p.Subject, id, a.now()); err != nil {
		return u, err
	}
	if err := tx.Audit(ctx, id, id, "account.identity_linked", nil); err != nil {
		return u, err
	}
	return tx.ActiveUser(ctx, id)
}

// welcome makes an account without a password.
func (a *App) welcome(ctx context.Context, tx postgres.Tx, p oidc.Person) (hub.User, error) {
	name, err := freeName(ctx, tx, p)
	if err != nil {
		return hub.User{}, err
	}
	u, err := tx.CreateUser(ctx, p.Email, name, "")
	if err != nil {
		return u, err
	}
	if err := tx.SetEmail(ctx, u.ID, p.Email, true, a.now()); err != nil {
		return u, err
	}
	if err := tx.LinkIdentity(ctx, p.Issuer, p.Subject, u.ID, a.now()); err != nil {
		return u, err
	}
	return u, a.happened(ctx, tx, u.ID, "account.registered", map[string]string{"role": string(u.Role)})
}

// freeName makes a user name out of what somebody is called elsewhere.
func freeName(ctx context.Context, tx postgres.Tx, p oidc.Person) (string, error) {
	name := p.Username
	if name == "" {
		name = p.Email
	}
	name, _, _ = strings.Cut(name, "@")
	name = strings.Map(func(r rune) rune {
		if r < 128 && username.MatchString("abc"+string(r)) {
			return r
		}
		return -1
	}, name)
	name = strings.TrimLeft(name[:min(len(name), 24)], "._-")
	if !username.MatchString(name) {
		name = "learner"
	}
	taken, err := tx.UsernameTaken(ctx, name)
	if err == nil && taken {
		name += "-" + strings.ToLower(rand.Text()[:7])
	}
	return name, err
}

// ConfirmElsewhere gives the word of somebody who is known: their program is
// signed in, or refused. Another password since, or sign-ins that were ended,
// take it from them.
func (a Actor) ConfirmElsewhere(ctx context.Context, carried string, deny bool) error {
	e, err := a.app.unseal(ctx, carried, "known")
	if err != nil {
		return err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		for _, reset := range []string{"account.password_changed", "account.sessions_ended"} {
			if done, err := tx.AuditedSince(ctx, e.UserID, reset, e.Known); err != nil {
				return err
			} else if done {
				return errAttempt
			}
		}
		a.user, err = tx.ActiveUser(ctx, e.UserID)
		return err
	})
	if err != nil {
		return err
	}
	return a.answerDevice(ctx, e.UserCode, "oidc", deny)
}

// seal hides and signs what a browser carries, for any replica to read.
func (a *App) seal(ctx context.Context, e elsewhere) (string, error) {
	box, err := a.box(ctx)
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(box.Seal(nil, nil, plain, nil)), nil
}

func (a *App) unseal(ctx context.Context, carried, step string) (e elsewhere, err error) {
	box, err := a.box(ctx)
	if err != nil {
		return e, err
	}
	sealed, err := base64.RawURLEncoding.DecodeString(carried)
	if err != nil || len(carried) > maxToken {
		return e, errAttempt
	}
	plain, err := box.Open(nil, nil, sealed, nil)
	if err != nil || json.Unmarshal(plain, &e) != nil || e.Step != step || !a.now().Before(e.Until) {
		return elsewhere{}, errAttempt
	}
	return e, nil
}

func (a *App) box(ctx context.Context) (cipher.AEAD, error) {
	key, err := a.secret(ctx, "oidc-attempt", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
