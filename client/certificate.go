package client

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Certificates lists the caller's certificates, the newest first.
func (c *Client) Certificates(ctx context.Context) ([]hub.Certificate, error) {
	return get[[]hub.Certificate](ctx, c, "/v1/certificates", nil)
}

// Certificate returns a certificate, whosever it is. Nobody needs to be signed
// in.
func (c *Client) Certificate(ctx context.Context, id string) (hub.Certificate, error) {
	return get[hub.Certificate](ctx, c, "/v1/certificates/"+seg(id), nil)
}
