package app

import (
	"context"
	"crypto/rand"
	"math/big"
	"net/url"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	deviceLife  = 10 * time.Minute
	devicePause = 5 // seconds
	slower      = 5 // more of them, for those who ask too soon

	devicePrefix = "cmhd_"

	// Letters that are neither vowels, so that they spell nothing, nor mistaken
	// for others: RFC 8628, 6.1. Eight of them are 34 bits, for ten minutes and
	// ten guesses a minute.
	codeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	codeLength  = 8
)

// OAuthError is an error with the name that RFC 6749 or 8628 gives it.
type OAuthError struct {
	Name string
	Err  error
}

func (e *OAuthError) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap returns the error itself.
func (e *OAuthError) Unwrap() error { return e.Err }

// BeginDevice gives a program without a browser what it needs to sign in. base is
// where the hub was reached, for when nobody has said what it is called.
func (a Actor) BeginDevice(ctx context.Context, base string) (hub.DeviceCode, error) {
	if err := a.app.accounts.guesses.begin(attempt{"begin device", a.source}, a.app.now()); err != nil {
		return hub.DeviceCode{}, tooMany(err)
	}
	if a.app.PublicURL != "" {
		base = a.app.PublicURL
	}
	code := newUserCode()
	shown := code[:codeLength/2] + "-" + code[codeLength/2:]
	d := hub.DeviceCode{
		DeviceCode: newToken(devicePrefix), UserCode: shown, VerificationURI: base + "/device",
		VerificationURIComplete: base + "/device?user_code=" + url.QueryEscape(shown),
		ExpiresIn:               int(deviceLife.Seconds()), Interval: devicePause,
	}
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		now := a.app.now()
		return tx.AddDeviceGrant(ctx, tokenHash(d.DeviceCode), tokenHash(code),
			postgres.DeviceGrant{Client: a.client, CreatedAt: now, ExpiresAt: now.Add(deviceLife), Pause: devicePause})
	})
	return d, err
}

func newUserCode() string {
	var b strings.Builder
	for range codeLength {
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(codeLetters)))) // never fails
		b.WriteByte(codeLetters[n.Int64()])
	}
	return b.String()
}

// readUserCode takes a code as people write it. What cannot be one is empty.
func readUserCode(s string) string {
	if len(s) > 40 {
		return ""
	}
	s = strings.Map(func(r rune) rune {
		switch r {
		case '-', ' ', '_', '.':
			return -1
		}
		return r
	}, strings.ToUpper(s))
	if len(s) != codeLength || strings.Trim(s, codeLetters) != "" {
		return ""
	}
	return s
}

// DeviceLogin signs the program in that waits with a device code, once somebody
// has confirmed its user code. Until then, and otherwise, it is an OAuthError.
func (a Actor) DeviceLogin(ctx context.Context, deviceCode string) (hub.Login, error) {
	unknown := &OAuthError{"expired_token", hub.Errorf(hub.NotFound, "That code has run out. Begin anew.")}
	if !strings.HasPrefix(deviceCode, devicePrefix) || len(deviceCode) > maxToken {
		return hub.Login{}, unknown
	}
	var (
		l       hub.Login
		f       postgres.Family
		refresh string
		refused error // though what it changes is kept
		hash    = tokenHash(deviceCode)
		now     = a.app.now()
	)
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		g, err := tx.LockDeviceGrant(ctx, hash)
		switch {
		case hub.CodeOf(err) == hub.NotFound || err == nil && !now.Before(g.ExpiresAt):
			refused = unknown
			return nil
		case err != nil:
			return err
		case g.Denied:
			refused = &OAuthError{"access_denied", hub.Errorf(hub.Forbidden, "The code was refused.")}
			return tx.RemoveDeviceGrant(ctx, hash)
		case g.AskedAt != nil && now.Sub(*g.AskedAt) < time.Duration(g.Pause)*time.Second:
			pause := g.Pause + slower
			refused = &OAuthError{"slow_down", &hub.Error{
				Code: hub.Limit, Message: "That was too soon. Ask less often.", RetryAfter: time.Duration(pause) * time.Second,
			}}
			return tx.AskedDeviceGrant(ctx, hash, pause, now)
		case g.UserID == "":
			refused = &OAuthError{"authorization_pending", &hub.Error{
				Code: hub.Conflict, Message: "Nobody has confirmed the code yet.", RetryAfter: time.Duration(g.Pause) * time.Second,
			}}
			return tx.AskedDeviceGrant(ctx, hash, g.Pause, now)
		}
		if l.User, err = tx.ActiveUser(ctx, g.UserID); err != nil {
			return err
		}
		if err := tx.RemoveDeviceGrant(ctx, hash); err != nil {
			return err
		}
		as := a
		as.client = g.Client
		if f, refresh, err = as.signIn(ctx, tx, l.User.ID, g.Method); err != nil {
			return err
		}
		return a.app.happened(ctx, tx, l.User.ID, "account.signed_in", map[string]string{"family": f.ID})
	})
	switch {
	case hub.CodeOf(err) == hub.NotFound:
		return hub.Login{}, unknown
	case err != nil:
		return hub.Login{}, err
	case refused != nil:
		return hub.Login{}, refused
	}
	l.Tokens, err = a.app.tokens(ctx, f, refresh)
	return l, err
}

var errNoUserCode = &hub.Error{Code: hub.NotFound, Message: "There is no such code, or it has run out. Look again at the program that shows it."}

// withUserCode calls do with a code as it is stored. Wrong ones are counted, so
// that nobody can try them all.
func (a Actor) withUserCode(ctx context.Context, code string, do func(context.Context, postgres.Tx, []byte) error) error {
	at := attempt{"user code", a.source}
	if err := a.app.accounts.guesses.begin(at, a.app.now()); err != nil {
		return tooMany(err)
	}
	code = readUserCode(code)
	if code == "" {
		return errNoUserCode
	}
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error { return do(ctx, tx, tokenHash(code)) })
	if hub.CodeOf(err) == hub.NotFound {
		return errNoUserCode
	}
	a.app.accounts.guesses.forgive(at, false)
	return err
}

// DeviceRequest tells which program waits for a code, to whoever knows it.
func (a Actor) DeviceRequest(ctx context.Context, userCode string) (r hub.DeviceRequest, err error) {
	err = a.withUserCode(ctx, userCode, func(ctx context.Context, tx postgres.Tx, hash []byte) (err error) {
		r, err = tx.WaitingDeviceGrant(ctx, hash, a.app.now())
		return err
	})
	if err != nil {
		return hub.DeviceRequest{}, err
	}
	code := readUserCode(userCode)
	r.UserCode = code[:codeLength/2] + "-" + code[codeLength/2:]
	return r, nil
}

// ApproveDevice signs the program that shows the code in as the actor.
func (a Actor) ApproveDevice(ctx context.Context, userCode string) error {
	return a.answerDevice(ctx, userCode, "device", false)
}

// DenyDevice makes the program that shows the code give up.
func (a Actor) DenyDevice(ctx context.Context, userCode string) error {
	return a.answerDevice(ctx, userCode, "device", true)
}

func (a Actor) answerDevice(ctx context.Context, userCode, method string, deny bool) error {
	if err := a.signedIn(); err != nil {
		return err
	}
	what := "account.device_approved"
	if deny {
		what = "account.device_denied"
	}
	return a.withUserCode(ctx, userCode, func(ctx context.Context, tx postgres.Tx, hash []byte) error {
		if err := tx.AnswerDeviceGrant(ctx, hash, a.user.ID, method, deny, a.app.now()); err != nil {
			return err
		}
		return tx.Audit(ctx, a.user.ID, a.user.ID, what, nil)
	})
}

// SignInForm is Login for a page that confirms something: it makes no sign-in.
func (a Actor) SignInForm(ctx context.Context, c hub.Credentials) (Actor, error) {
	u, err := a.known(ctx, c)
	if err != nil {
		return a, err
	}
	as := a
	as.user = u
	return as, nil
}
