package client

import (
	"context"
	"net/http"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Register makes an account and signs in: the tokens go to the client's store.
func (c *Client) Register(ctx context.Context, r hub.Registration) (hub.Login, error) {
	return c.signIn(ctx, "/v1/auth/register", r)
}

// Login signs in: the tokens go to the client's store.
func (c *Client) Login(ctx context.Context, cr hub.Credentials) (hub.Login, error) {
	return c.signIn(ctx, "/v1/auth/login", cr)
}

func (c *Client) signIn(ctx context.Context, path string, body any) (hub.Login, error) {
	var l hub.Login
	if _, err := c.do(ctx, call{method: http.MethodPost, path: cut(path), body: body, out: &l, guest: true}); err != nil {
		return hub.Login{}, err
	}
	_, err := c.tokens.Update(ctx, func(hub.Tokens) (hub.Tokens, error) { return l.Tokens, nil })
	return l, err
}

// Refresh trades a refresh token for new tokens, which the caller keeps.
// Requests do it by themselves when they have to.
func (c *Client) Refresh(ctx context.Context, refreshToken string) (hub.Tokens, error) {
	var t hub.Tokens
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: cut("/v1/auth/refresh"), body: refresh{refreshToken}, out: &t, guest: true,
		repeat: true, // within the grace it gives the same successor
	})
	return t, err
}

// Logout ends the sign-in that refreshToken belongs to, on every machine it
// was copied to; empty means the store's own. The store forgets it even when
// the server cannot be reached.
func (c *Client) Logout(ctx context.Context, refreshToken string) error {
	stored, err := c.tokens.Load(ctx)
	if err != nil {
		return err
	}
	if refreshToken == "" {
		refreshToken = stored.RefreshToken
	}
	if refreshToken == stored.RefreshToken && refreshToken != "" {
		if _, err := c.tokens.Update(ctx, func(hub.Tokens) (hub.Tokens, error) { return hub.Tokens{}, nil }); err != nil {
			return err
		}
	}
	if refreshToken == "" {
		return nil
	}
	_, err = c.do(ctx, call{method: http.MethodPost, path: cut("/v1/auth/logout"), body: refresh{refreshToken}, guest: true})
	return err
}

type refresh struct {
	RefreshToken string `json:"refresh_token"`
}

// Profile returns who the caller is.
func (c *Client) Profile(ctx context.Context) (hub.User, error) {
	return get[hub.User](ctx, c, "/v1/users/profile", nil)
}

// UpdateProfile changes what is set in p.
func (c *Client) UpdateProfile(ctx context.Context, p hub.ProfileUpdate) (hub.User, error) {
	return put[hub.User](ctx, c, "/v1/users/profile", p)
}

// Keys lists the caller's SSH keys, oldest first.
func (c *Client) Keys(ctx context.Context) ([]hub.Key, error) {
	return get[[]hub.Key](ctx, c, "/v1/users/keys", nil)
}

// AddKey adds an SSH key.
func (c *Client) AddKey(ctx context.Context, k hub.NewKey) (hub.Key, error) {
	return post[hub.Key](ctx, c, "/v1/users/keys", k)
}

// RemoveKey removes the key with that id, fingerprint or name.
func (c *Client) RemoveKey(ctx context.Context, id string) error {
	return remove(ctx, c, "/v1/users/keys/"+seg(id))
}

// ServerVersion returns the version of the server.
func (c *Client) ServerVersion(ctx context.Context) (string, error) {
	v, err := get[struct {
		Version string `json:"version"`
	}](ctx, c, "/v1/version", nil)
	return v.Version, err
}
