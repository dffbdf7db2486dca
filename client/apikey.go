package client

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Usage says how much of their limits the caller has used.
func (c *Client) Usage(ctx context.Context) (hub.Usage, error) {
	return get[hub.Usage](ctx, c, "/v1/users/usage", nil)
}

// APIKeys lists the caller's API keys, oldest first, without the keys
// themselves.
func (c *Client) APIKeys(ctx context.Context) ([]hub.APIKey, error) {
	return get[[]hub.APIKey](ctx, c, "/v1/users/tokens", nil)
}

// CreateAPIKey makes a key for a program, which can be used with Token. It is
// shown this once. When the answer is lost, so is the key: revoke it by its name.
func (c *Client) CreateAPIKey(ctx context.Context, n hub.NewAPIKey) (hub.CreatedAPIKey, error) {
	return post[hub.CreatedAPIKey](ctx, c, "/v1/users/tokens", n)
}

// RevokeAPIKey ends the key with that id, name or hint.
func (c *Client) RevokeAPIKey(ctx context.Context, ref string) error {
	return remove(ctx, c, "/v1/users/tokens/"+seg(ref))
}
