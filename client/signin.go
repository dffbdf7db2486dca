package client

import (
	"context"
	"net/http"

	"github.com/cloudmastershub/cmh/client/hub"
)

// ForgotPassword asks for a message to reset the password of the account with
// that address. Whether there is one is not told.
func (c *Client) ForgotPassword(ctx context.Context, email string) error {
	return c.tell(ctx, "/v1/auth/forgot-password", map[string]string{"email": email})
}

// ResetPassword sets a new password with the token of such a message.
func (c *Client) ResetPassword(ctx context.Context, r hub.PasswordReset) error {
	return c.tell(ctx, "/v1/auth/reset-password", r)
}

// VerifyEmail confirms an address with the token that was sent there.
func (c *Client) VerifyEmail(ctx context.Context, token string) error {
	return c.tell(ctx, "/v1/auth/verify-email", map[string]string{"token": token})
}

// tell is a POST as a guest, without an answer.
func (c *Client) tell(ctx context.Context, path string, body any) error {
	_, err := c.do(ctx, call{method: http.MethodPost, path: cut(path), body: body, guest: true})
	return err
}

// ChangePassword replaces the caller's password, and ends their other sign-ins.
func (c *Client) ChangePassword(ctx context.Context, p hub.PasswordChange) error {
	_, err := c.do(ctx, call{method: http.MethodPut, path: cut("/v1/users/password"), body: p})
	return err
}

// Email says where the caller's mail goes.
func (c *Client) Email(ctx context.Context) (hub.EmailState, error) {
	return get[hub.EmailState](ctx, c, "/v1/users/email", nil)
}

// ChangeEmail asks for another address.
func (c *Client) ChangeEmail(ctx context.Context, e hub.EmailChange) (hub.EmailState, error) {
	return put[hub.EmailState](ctx, c, "/v1/users/email", e)
}

// SendVerification sends the message that confirms the caller's address again.
func (c *Client) SendVerification(ctx context.Context) error {
	_, err := c.do(ctx, call{method: http.MethodPost, path: cut("/v1/users/email/verification")})
	return err
}

// Sessions lists the caller's sign-ins, the newest first.
func (c *Client) Sessions(ctx context.Context) ([]hub.Session, error) {
	return get[[]hub.Session](ctx, c, "/v1/users/sessions", nil)
}

// EndSession ends one of them.
func (c *Client) EndSession(ctx context.Context, id string) error {
	return remove(ctx, c, "/v1/users/sessions/"+seg(id))
}

// EndOtherSessions ends all of them but the one that asks, and returns how many.
func (c *Client) EndOtherSessions(ctx context.Context) (int, error) {
	var out struct {
		Ended int `json:"ended"`
	}
	_, err := c.do(ctx, call{method: http.MethodDelete, path: cut("/v1/users/sessions"), out: &out})
	return out.Ended, err
}

// Preferences returns what the caller's programs keep.
func (c *Client) Preferences(ctx context.Context) (hub.Preferences, error) {
	return get[hub.Preferences](ctx, c, "/v1/users/preferences", nil)
}

// SetPreferences replaces it.
func (c *Client) SetPreferences(ctx context.Context, p hub.Preferences) (hub.Preferences, error) {
	return put[hub.Preferences](ctx, c, "/v1/users/preferences", p)
}
