package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/cloudmastershub/cmh/client/hub"
)

// ImportScenarios makes a course of a repository of scenarios, packed as a
// tar.gz of at most 64 MiB. The caller has to be an instructor.
func (c *Client) ImportScenarios(ctx context.Context, o hub.ImportOptions, archive io.Reader) (hub.ImportReport, error) {
	// The archive can be sent only once, so a token that has run out is renewed
	// by a question before it.
	if _, err := c.Profile(ctx); err != nil {
		return hub.ImportReport{}, err
	}
	q := url.Values{}
	for name, value := range map[string]string{"kind": o.Kind, "slug": o.Slug, "title": o.Title} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if o.DryRun {
		q.Set("dry_run", "true")
	}
	return ask[hub.ImportReport](ctx, c, call{
		method: http.MethodPost, path: cut("/v1/author/imports"), query: q, stream: archive, contentType: "application/gzip",
	})
}
