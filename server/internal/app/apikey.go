package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	apiKeyPrefix  = "cmh_"
	apiKeyHint    = len(apiKeyPrefix) + 6 // characters that are no secret
	apiKeyLife    = 90 * 24 * time.Hour
	maxAPIKeyLife = 365 * 24 * time.Hour
	maxAPIKeys    = 50
)

// APIKeys lists the actor's API keys, oldest first.
func (a Actor) APIKeys(ctx context.Context) (keys []hub.APIKey, err error) {
	if err := a.signedIn(); err != nil {
		return nil, err
	}
	err = a.app.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		keys, err = tx.APIKeys(ctx, a.user.ID)
		return err
	})
	return keys, err
}

// CreateAPIKey makes a key for a program. Only its hash is kept: the answer is
// the one time that it is shown. A key can't make keys.
func (a Actor) CreateAPIKey(ctx context.Context, n hub.NewAPIKey) (made hub.CreatedAPIKey, err error) {
	if err := a.signedIn(); err != nil {
		return made, err
	}
	if a.scopes != nil {
		return made, hub.Errorf(hub.Forbidden, "No API key may do this. Sign in with: cmh auth login")
	}
	if err := a.checkNewAPIKey(&n); err != nil {
		return made, err
	}
	token, now := apiKeyPrefix+rand.Text(), a.app.now()
	k := hub.APIKey{
		Name: n.Name, Hint: token[:apiKeyHint], Scopes: n.Scopes,
		CreatedAt: now, ExpiresAt: now.Add(time.Duration(n.ExpiresIn) * time.Second),
	}
	if k.Name == "" {
		k.Name = k.Hint
	}
	hash := sha256.Sum256([]byte(token))
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		have, err := tx.APIKeys(ctx, a.user.ID)
		if err != nil {
			return err
		}
		if len(have) >= maxAPIKeys {
			return hub.Errorf(hub.Limit, "You have %d API keys. Revoke one before you make another.", len(have))
		}
		if k, err = tx.AddAPIKey(ctx, a.user.ID, k, hash[:]); err != nil {
			return err
		}
		return a.app.happened(ctx, tx, a.user.ID, "account.api_key_created", map[string]any{"key": k.ID, "scopes": k.Scopes, "expires_at": k.ExpiresAt.UTC()})
	})
	return hub.CreatedAPIKey{APIKey: k, Token: token}, err
}

// checkNewAPIKey checks n and fills in what it leaves open.
func (a Actor) checkNewAPIKey(n *hub.NewAPIKey) error {
	var w wrongs
	n.Name = strings.TrimSpace(n.Name)
	if utf8.RuneCountInString(n.Name) > 100 || !oneLine(n.Name) {
		w.add("/name", "A key's name has at most 100 characters, in one line.")
	}
	if len(n.Scopes) == 0 {
		w.add("/scopes", "Say what the key is for: at least one scope.")
	}
	for i, s := range n.Scopes {
		at := fmt.Sprintf("/scopes/%d", i)
		switch {
		case !slices.Contains(hub.Scopes, s):
			w.add(at, "There is no such scope. The scopes are %s.", scopeList())
		case s == hub.Authoring && access.Rank(a.user.Role) < access.Rank(hub.Instructor):
			w.add(at, "Your role, %s, has no use for this scope.", a.user.Role)
		}
		if len(w) > 10 {
			break
		}
	}
	switch {
	case n.ExpiresIn == 0:
		n.ExpiresIn = int64(apiKeyLife / time.Second)
	case n.ExpiresIn < 60 || n.ExpiresIn > int64(maxAPIKeyLife/time.Second):
		w.add("/expires_in", "A key lives from a minute to a year, in seconds.")
	}
	slices.Sort(n.Scopes)
	n.Scopes = slices.Compact(n.Scopes)
	return w.err()
}

func scopeList() string {
	names := make([]string, len(hub.Scopes))
	for i, s := range hub.Scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

// RevokeAPIKey ends the key with that id, name or hint. Every server hears of
// it at once.
func (a Actor) RevokeAPIKey(ctx context.Context, ref string) error {
	if err := a.signedIn(); err != nil {
		return err
	}
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		n, err := tx.RemoveAPIKey(ctx, a.user.ID, ref)
		switch {
		case err != nil:
			return err
		case n == 0:
			return hub.Errorf(hub.NotFound, "There is no such API key.")
		case n > 1: // and the transaction takes it back
			return hub.Errorf(hub.Conflict, "%d keys have that name. Name the one by its id.", n)
		}
		return a.app.happened(ctx, tx, a.user.ID, "account.api_key_revoked", nil)
	})
	a.app.known.forgetKeys()
	return err
}

// keyCaller returns whose API key it is.
func (a *App) keyCaller(ctx context.Context, token string) (Caller, error) {
	hash, now := sha256.Sum256([]byte(token)), a.now()
	if k, ok := a.known.key(hash, now); ok {
		return k, nil
	}
	seen := a.known.generation()
	var (
		u hub.User
		k hub.APIKey
	)
	err := a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		u, k, err = tx.UseAPIKey(ctx, hash[:], now)
		return err
	})
	if hub.CodeOf(err) == hub.NotFound {
		return Caller{}, errNotSignedIn
	}
	if err != nil {
		return Caller{}, err
	}
	c := Caller{User: u, Scopes: k.Scopes}
	a.known.keepKey(hash, &knownKey{caller: c, expires: k.ExpiresAt, read: now}, seen)
	return c, nil
}
