package client

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
)

// ExtendLab puts the end of a session off by some minutes, 30 when they are 0,
// as far as the learner's tier goes: the answer says how far.
func (c *Client) ExtendLab(ctx context.Context, ref string, minutes int) (hub.LabSession, error) {
	return post[hub.LabSession](ctx, c, "/v1/labs/"+seg(ref)+"/extend", struct {
		Minutes int `json:"minutes,omitempty"`
	}{minutes})
}
