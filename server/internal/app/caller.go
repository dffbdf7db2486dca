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

	memo *Memo // nil for none
}

// AsCaller is As for somebody who may have shown an API key.
func (a *App) AsCaller(c Caller) Actor {
	return Actor{app: a, user: c.User, scopes: c.Scopes, memo: c.memo}
}

// May refuses an operation that the actor's role gets nothing of, or that the
// API key they came with is not for. Doors ask before they call a rule.
func (a Actor) May(op access.Operation) error { return op.Check(a.user.Role, a.scopes) }

// Identify returns whose token it is: an access token's or an API key's.
func (a *App) Identify(ctx context.Context, token string) (Caller, error) {
	if strings.HasPrefix(token, apiKeyPrefix) && len(token) < maxToken {
		return a.keyCaller(ctx, token)
	}
	return a.tokenCaller(ctx, token)
}
