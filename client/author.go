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
	q := url.Values{}
	for name, value := range map[string]string{"kind": o.Kind, "slug": o.Slug, "title": o.Title} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if o.DryRun {
		q.Set("dry_run", "true")
	}
	return send[hub.ImportReport](ctx, c, "/v1/author/imports", q, archive)
}

// UploadDraft stores labs that only the caller can start, packed as a tar.gz
// with the bounds of an import. The caller removes it.
func (c *Client) UploadDraft(ctx context.Context, archive io.Reader) (hub.Draft, error) {
	return send[hub.Draft](ctx, c, "/v1/author/drafts", nil, archive)
}

// RemoveDraft removes a draft and ends what runs of it.
func (c *Client) RemoveDraft(ctx context.Context, draft string) error {
	return remove(ctx, c, "/v1/author/drafts/"+seg(draft))
}

// send uploads an archive.
func send[T any](ctx context.Context, c *Client, path string, q url.Values, archive io.Reader) (none T, err error) {
	// It can be sent only once, so a token that has run out is renewed by a
	// question before it.
	if _, err := c.Profile(ctx); err != nil {
		return none, err
	}
	return ask[T](ctx, c, call{method: http.MethodPost, path: cut(path), query: q, stream: archive, contentType: "application/gzip"})
}
