package app

import (
	"context"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
)

// A Caller is who asks, and how far what they showed goes.
type Caller struct {
	User   hub.User
	Scopes []hub.Scope // of an API key; nil for whoever has signed in

	family string // the sign-in it is, if it is one
	memo   *Memo  // nil for none
}

// AsCaller is As for somebody who may have shown an API key.
func (a *App) AsCaller(c Caller) Actor {
	return Actor{app: a, user: c.User, scopes: c.Scopes, family: c.family, memo: c.memo}
}

// May refuses an operation that the actor's role gets nothing of, or that the
// API key they came with is not for. Doors ask before they call a rule.
func (a Actor) May(op access.Operation) error { return op.Check(a.user.Role, a.scopes) }

// A Sighting is the access token that came last from one place, such as a
// connection: it most likely comes again. Its zero value is none. It is one
// request's at a time.
type Sighting struct {
	token  string
	claims *claims
}

// Identify returns whose token it is: an access token's or an API key's. last is
// what came before from the same place, and may be nil.
func (a *App) Identify(ctx context.Context, token string, last *Sighting) (Caller, error) {
	if strings.HasPrefix(token, apiKeyPrefix) && len(token) < maxToken {
		return a.keyCaller(ctx, token)
	}
	return a.tokenCaller(ctx, token, last)
}
