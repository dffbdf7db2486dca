// Package app holds the rules of the hub: who may do what, what happens
// together, what happens later. The REST API, the SSH gateway and the job
// workers are three doors into it.
package app

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/hashing"
	"github.com/cloudmastershub/cmh/server/internal/mail"
	"github.com/cloudmastershub/cmh/server/internal/oidc"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// App is safe for concurrent use.
type App struct {
	DB  *postgres.DB
	Log *slog.Logger
	Now func() time.Time

	// Starting is set while the database is not ready for the rules: doors ask
	// for patience meanwhile.
	Starting atomic.Bool

	// Leaving is set once the server has been told to stop and still answers:
	// whoever shares out requests should send no more.
	Leaving atomic.Bool

	// PasswordCost is the bcrypt cost of new passwords; 0 means 12.
	PasswordCost int

	// Hashing is who hashes passwords; nil for this process.
	Hashing *hashing.Worker

	// Mail sends e-mail; nil where the operator has given no server for it.
	Mail *mail.Sender

	// PublicURL is what people call this hub, without a slash at the end. Empty
	// when nobody said: then messages hold no links.
	PublicURL string

	// OIDC is who else may be asked who somebody is; nil for nobody.
	OIDC *oidc.Provider

	// DeletionGrace is how long an account that is to go may still be kept; 0
	// means two weeks.
	DeletionGrace time.Duration

	Labs LabConfig

	// Limits is how much each may use; zero fields are without limit.
	Limits Limits

	// HideSchema refuses questions about the GraphQL schema.
	HideSchema bool

	// TrustedProxies are the addresses and networks whose X-Forwarded-For is
	// believed. From anybody else's it is ignored.
	TrustedProxies []string

	accounts accounts
	known    known
	quotas   quotas
	cursors  cursors
	work     labWork
	streams  labStreams
	queue    labQueue
	recorder recorder

	published atomic.Int64
}

// Published counts how often this process has published a course, or heard that
// another did, or met other images of labs: what anybody was shown before it rises
// may have changed.
func (a *App) Published() int64 { return a.published.Load() }

// As returns the hub as user sees it. There is no other way in: App itself has
// no methods that read or change what belongs to a user, so no caller can
// forget to say who is asking.
func (a *App) As(user hub.User) Actor { return Actor{app: a, user: user} }

// Guest is the user nobody has signed in as.
var Guest = hub.User{Role: hub.Guest}

// An Actor does things on behalf of one user, with that user's rights.
type Actor struct {
	app    *App
	user   hub.User
	source string
	scopes []hub.Scope // of the API key; nil without one
	client string      // the program that asks; see Via
	speaks string      // its language; see Speaking
	family string      // the sign-in it asks with, if it does
	memo   *Memo       // nil where nothing may be kept
}

// User is who the actor acts for.
func (a Actor) User() hub.User { return a.user }

// signedIn refuses guests.
func (a Actor) signedIn() error {
	if a.user.ID == "" {
		return hub.Errorf(hub.Unauthenticated, "You are not signed in.")
	}
	return nil
}

// need refuses everybody below role, in the order of access.Roles.
func (a Actor) need(role hub.Role) error {
	if err := a.signedIn(); err != nil {
		return err
	}
	if access.Rank(a.user.Role) < access.Rank(role) {
		return hub.Errorf(hub.Forbidden, "This needs the role %s; yours is %s.", role, a.user.Role)
	}
	return nil
}
