package client

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Replay tells of events, at most 100, that happened while the hub was out of
// reach, in the order in which they did. Telling of them again is safe: each
// happens once. It returns what became of each, in the same order.
func (c *Client) Replay(ctx context.Context, events []hub.LearningEvent) ([]hub.EventResult, error) {
	body := struct {
		Events []hub.LearningEvent `json:"events"`
	}{events}
	r, err := post[struct {
		Results []hub.EventResult `json:"results"`
	}](ctx, c, "/v1/users/progress/batch", body)
	return r.Results, err
}
