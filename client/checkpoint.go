package client

import (
	"context"
	"net/url"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Checkpoints lists what the caller keeps of a session or a lab, the newest
// first; of all with an empty ref.
func (c *Client) Checkpoints(ctx context.Context, ref string) (hub.Checkpoints, error) {
	q := url.Values{}
	if ref != "" {
		q.Set("lab", ref)
	}
	return get[hub.Checkpoints](ctx, c, "/v1/labs/checkpoints", q)
}

// ForgetCheckpoint removes a checkpoint.
func (c *Client) ForgetCheckpoint(ctx context.Context, id string) error {
	return remove(ctx, c, "/v1/labs/checkpoints/"+seg(id))
}

// SaveLab keeps the files of a running session as they are now. The name may be
// empty.
func (c *Client) SaveLab(ctx context.Context, ref, name string) (hub.Checkpoint, error) {
	return post[hub.Checkpoint](ctx, c, "/v1/labs/"+seg(ref)+"/save", struct {
		Name string `json:"name,omitempty"`
	}{name})
}

// ResetLab gives a running session a fresh sandbox, with the files as they were
// at the beginning of a step or in a checkpoint. The session may be
// provisioning when it answers.
func (c *Client) ResetLab(ctx context.Context, ref string, to hub.LabReturn) (hub.LabSession, error) {
	return post[hub.LabSession](ctx, c, "/v1/labs/"+seg(ref)+"/reset", to)
}

// GotoLabStep gives a running session a fresh sandbox, in which a step begins.
// What stands in the way of the step is done by the lab's own solutions where
// there is no checkpoint, and counts as skipped.
func (c *Client) GotoLabStep(ctx context.Context, ref string, step int) (hub.LabSession, error) {
	return post[hub.LabSession](ctx, c, "/v1/labs/"+seg(ref)+"/goto", labStep{step})
}

// ResumeLab begins a new session with the files of a checkpoint, or of the last
// one of a session or lab when it is empty.
func (c *Client) ResumeLab(ctx context.Context, ref, checkpoint string) (hub.LabSession, error) {
	return post[hub.LabSession](ctx, c, "/v1/labs/"+seg(ref)+"/resume", struct {
		Checkpoint string `json:"checkpoint,omitempty"`
	}{checkpoint})
}
