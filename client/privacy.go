package client

import (
	"context"
	"net/http"

	"github.com/cloudmastershub/cmh/client/hub"
)

const exportPath = "/v1/users/export"

// Export returns everything the hub keeps about the caller.
func (c *Client) Export(ctx context.Context) (hub.Export, error) {
	return get[hub.Export](ctx, c, exportPath, nil)
}

// DeleteAccount closes the caller's account, which goes after a while; signing in
// meanwhile keeps it. The store forgets its sign-in, which has ended.
func (c *Client) DeleteAccount(ctx context.Context, d hub.Deletion) (hub.DeletionDate, error) {
	var at hub.DeletionDate
	if _, err := c.do(ctx, call{method: http.MethodDelete, path: cut("/v1/users/me"), body: d, out: &at}); err != nil {
		return at, err
	}
	_, err := c.tokens.Update(ctx, func(hub.Tokens) (hub.Tokens, error) { return hub.Tokens{}, nil })
	return at, err
}
