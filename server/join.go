package server

import (
	"context"
	"sync/atomic"

	"charm.land/ssh"
	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/auth"
	"github.com/cloudmastershub/cmh/labs/gateway"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/tui"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/screen/join"
)

// keyName is how an account lists a key that came this way.
const keyName = "from-ssh"

// A guestDoor lets a guest in for good who has come with a key that nobody has.
type guestDoor struct {
	app    *app.App
	as     app.Actor
	who    gateway.Identity
	visit  ssh.Session
	key    hub.NewKey
	joined atomic.Pointer[hub.User]
	done   atomic.Bool
}

// newGuestDoor returns the door of a visitor; nil when there is none for them. The key
// is the one whose proof the gateway has seen, whatever else the session says.
func newGuestDoor(a *app.App, as app.Actor, s ssh.Session, who gateway.Identity) *guestDoor {
	pub := s.PublicKey()
	if as.User().ID != "" || who.Fingerprint == "" || pub == nil || gossh.FingerprintSHA256(pub) != who.Fingerprint {
		return nil
	}
	return &guestDoor{app: a, as: as, who: who, visit: s, key: hub.NewKey{Name: keyName, PublicKey: string(gossh.MarshalAuthorizedKey(pub))}}
}

// page is the door as the screens take it: nil for none.
func (d *guestDoor) page() func(context.Context, screen.Env) tui.Page {
	if d == nil {
		return nil
	}
	return func(ctx context.Context, env screen.Env) tui.Page { return tui.PageOf(join.New(ctx, d, env)) }
}

// joins is the door as a command takes it: nil for those who have an account.
func joins(d *guestDoor, as app.Actor) auth.Join {
	switch {
	case as.User().ID != "":
		return nil
	case d == nil:
		return func(context.Context, hub.Registration) (string, error) { return "", hub.Errorf(hub.Invalid, saySignIn) }
	}
	return d.Join
}

// come is who has joined and goes on; nil for nobody.
func (d *guestDoor) come() *hub.User {
	if d == nil || !d.done.Load() {
		return nil
	}
	return d.joined.Load()
}

// goesOn says that who has joined does so as somebody.
func (d *guestDoor) goesOn() { d.done.Store(true) }

// Key names the visitor's key.
func (d *guestDoor) Key() string { return d.who.Fingerprint }

// Join makes an account that the key signs in.
func (d *guestDoor) Join(ctx context.Context, r hub.Registration) (sent string, err error) {
	if _, err := d.as.SpendSignIn(ctx); err != nil {
		return "", err
	}
	u, err := d.as.Join(ctx, r, d.key)
	if err != nil {
		return "", err
	}
	d.isNow(u)
	if d.app.Mail == nil {
		return "", nil
	}
	return u.Email, nil
}

// isNow notes who the visitor has become, here and at the gateway.
func (d *guestDoor) isNow(u hub.User) {
	d.joined.Store(&u)
	gateway.Joined(d.visit, u.ID)
}

// Enter adds the key to the account that there is.
func (d *guestDoor) Enter(ctx context.Context, c hub.Credentials) error {
	if _, err := d.as.SpendSignIn(ctx); err != nil {
		return err
	}
	u, err := d.as.EnterWithKey(ctx, c, d.key)
	if err == nil {
		d.isNow(u)
	}
	return err
}

// Confirm takes the code of the message.
func (d *guestDoor) Confirm(ctx context.Context, code string) error {
	return d.as.VerifyEmail(ctx, code)
}
