package client

import (
	"context"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// TokenStore keeps the tokens of one sign-in where every process of the same
// user finds them. The zero Tokens means signed out.
type TokenStore interface {
	// Load returns the tokens as they are now. It is called before each
	// request, so it should be quick.
	Load(ctx context.Context) (hub.Tokens, error)

	// Update replaces the tokens by what change makes of them, holding a lock
	// that other processes respect from before reading until after writing:
	// two processes that refresh one token at once must not end the sign-in.
	// Zero Tokens are removed. When change fails, nothing is written and its
	// error is returned. It returns the tokens as they then are.
	Update(ctx context.Context, change func(hub.Tokens) (hub.Tokens, error)) (hub.Tokens, error)
}

// Memory returns a TokenStore that this process alone knows.
func Memory(t hub.Tokens) TokenStore { return &memory{tokens: t} }

type memory struct {
	mu     sync.Mutex
	tokens hub.Tokens
}

func (m *memory) Load(context.Context) (hub.Tokens, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tokens, nil
}

func (m *memory) Update(_ context.Context, change func(hub.Tokens) (hub.Tokens, error)) (hub.Tokens, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := change(m.tokens)
	if err == nil {
		m.tokens = t
	}
	return m.tokens, err
}

// bearer returns the access token to ask with, or "" for a guest.
func (c *Client) bearer(ctx context.Context) (string, error) {
	if c.fixed != "" {
		return c.fixed, nil
	}
	t, err := c.tokens.Load(ctx)
	return t.AccessToken, err
}

// renewFor is how long renewing may take, whatever the patience of its caller.
const renewFor = 30 * time.Second

// renew replaces the access token used, which the server no longer accepts. It
// returns "" when there is nothing to renew it with. A sign-in that the server
// has ended is forgotten.
func (c *Client) renew(ctx context.Context, used string) (string, error) {
	if c.fixed != "" || used == "" {
		return "", nil
	}
	// The server spends the refresh token when it is asked: whoever gives up before
	// the new one is kept would come back with a token that was used, as thieves do.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewFor)
	defer cancel()
	var ended error
	t, err := c.tokens.Update(ctx, func(now hub.Tokens) (hub.Tokens, error) {
		if now.AccessToken != used || now.RefreshToken == "" {
			return now, nil // somebody else was faster, or signed out
		}
		next, err := c.Refresh(ctx, now.RefreshToken)
		if hub.CodeOf(err) == hub.Unauthenticated {
			ended = err
			return hub.Tokens{}, nil
		}
		return next, err
	})
	if err == nil {
		err = ended
	}
	if t.AccessToken == used {
		return "", err
	}
	return t.AccessToken, err
}
