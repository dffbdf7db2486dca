package client

import (
	"context"
	"net/url"
	"strings"
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
	changing sync.Mutex // whoever asks what the tokens are doesn't wait for a change

	mu     sync.Mutex
	tokens hub.Tokens
}

func (m *memory) Load(context.Context) (hub.Tokens, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tokens, nil
}

func (m *memory) Update(ctx context.Context, change func(hub.Tokens) (hub.Tokens, error)) (hub.Tokens, error) {
	m.changing.Lock()
	defer m.changing.Unlock()
	now, _ := m.Load(ctx) // never fails
	next, err := change(now)
	if err != nil {
		return now, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens = next
	return next, nil
}

// bearer returns the access token to ask with, or "" for a guest.
func (c *Client) bearer(ctx context.Context) (string, error) {
	t := hub.Tokens{AccessToken: c.fixed}
	if c.fixed == "" {
		var err error
		if t, err = c.tokens.Load(ctx); err != nil {
			return "", err
		}
	}
	if strings.ContainsFunc(t.AccessToken, func(r rune) bool { return r <= ' ' || r >= 0x7f }) { // nothing that can be sent
		return "", hub.Errorf(hub.Unauthenticated, "That is no token: it has a blank, a line break or a letter that none has.")
	}
	return t.AccessToken, nil
}

// How long a sign-in may take to be renewed, and how long it goes on for a caller
// who gives up meanwhile.
const (
	renewFor   = 15 * time.Second
	renewLeast = 2 * time.Second
)

// renew replaces the access token used, which the server no longer accepts. It
// returns "" when there is nothing to renew it with. A sign-in that the server
// has ended is forgotten.
func (c *Client) renew(ctx context.Context, used string) (string, error) {
	if c.fixed != "" || used == "" {
		return "", nil
	}
	type outcome struct {
		token string
		err   error
	}
	done := make(chan outcome, 1)
	c.renewing.begin()
	go func() { // ends when its time is over, or with the process: see Settle
		defer c.renewing.end()
		token, err := c.renewal(ctx, used)
		done <- outcome{token, err}
	}()
	// The server spends the refresh token when it is asked: whoever gives up before
	// the new one is kept would come back with a token that was used, as thieves do.
	// So there is time for a server that is well; one that hangs keeps no caller, only a
	// program that settles.
	least := time.NewTimer(renewLeast)
	defer least.Stop()
	select {
	case o := <-done:
		return o.token, o.err
	case <-ctx.Done():
	}
	select {
	case o := <-done:
		return o.token, o.err
	case <-least.C:
		return "", ctx.Err()
	}
}

// Settle waits until no sign-in is being renewed, or for ctx. A program calls it
// before it ends: callers may have left a renewal whose answer, once the server has
// given it, must be kept. That takes a renewal's time at most.
func (c *Client) Settle(ctx context.Context) {
	select {
	case <-c.renewing.none():
	case <-ctx.Done():
	}
}

// A flight counts what is under way. Unlike with a WaitGroup, more may begin while
// somebody waits.
type flight struct {
	mu     sync.Mutex
	n      int
	landed chan struct{} // closed while n is 0; nil before the first
}

func (f *flight) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n++; f.n == 1 {
		f.landed = make(chan struct{})
	}
}

func (f *flight) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n--; f.n == 0 {
		close(f.landed)
	}
}

// none is closed once nothing of now is under way.
func (f *flight) none() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.landed == nil {
		f.landed = make(chan struct{})
		close(f.landed)
	}
	return f.landed
}

// renewal is the renewing itself, whatever becomes of its caller.
func (c *Client) renewal(ctx context.Context, used string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.renewFor)
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
	switch {
	case err == nil:
		err = ended
	case ctx.Err() != nil: // to its caller the server can't be reached
		err = hub.Wrap(&url.Error{Op: "Post", URL: c.BaseURL(), Err: ctx.Err()}, hub.Unavailable, "Could not reach CloudMastersHub at %s.", c.BaseURL())
	}
	if t.AccessToken == used {
		return "", err
	}
	return t.AccessToken, err
}
