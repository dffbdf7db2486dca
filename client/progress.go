package client

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Progress returns how far the caller is with every course they enrolled in,
// the most recently used first.
func (c *Client) Progress(ctx context.Context) ([]hub.CourseProgress, error) {
	return get[[]hub.CourseProgress](ctx, c, "/v1/users/progress", nil)
}

// RecordProgress merges entries, at most 500, into the caller's progress, and
// returns each lesson once, as it stands now.
func (c *Client) RecordProgress(ctx context.Context, entries []hub.ProgressEntry) ([]hub.ProgressEntry, error) {
	body := struct {
		Entries []hub.ProgressEntry `json:"entries"`
	}{entries}
	return post[[]hub.ProgressEntry](ctx, c, "/v1/users/progress", body)
}

// Achievements returns what the caller has achieved, and their streak.
func (c *Client) Achievements(ctx context.Context) (hub.Achievements, error) {
	return get[hub.Achievements](ctx, c, "/v1/users/achievements", nil)
}

// Next returns what the caller could do now, most useful first.
func (c *Client) Next(ctx context.Context) ([]hub.NextStep, error) {
	return get[[]hub.NextStep](ctx, c, "/v1/users/next", nil)
}
