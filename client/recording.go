package client

import (
	"context"
	"net/http"

	"github.com/cloudmastershub/cmh/client/hub"
)

type switched struct {
	On bool `json:"on"`
}

// ShareLab lets those who teach look on in a session of the caller's, or no
// longer.
func (c *Client) ShareLab(ctx context.Context, ref string, on bool) (hub.LabSharing, error) {
	return put[hub.LabSharing](ctx, c, "/v1/labs/"+seg(ref)+"/sharing", switched{on})
}

// LabSharing says whether a session of the caller's is shared.
func (c *Client) LabSharing(ctx context.Context, ref string) (hub.LabSharing, error) {
	return get[hub.LabSharing](ctx, c, "/v1/labs/"+seg(ref)+"/sharing", nil)
}

// SharedLabs lists the sessions of others that the caller may look on in.
func (c *Client) SharedLabs(ctx context.Context) ([]hub.SharedLab, error) {
	return get[[]hub.SharedLab](ctx, c, "/v1/labs/shared", nil)
}

// WatchCertificate signs a public key, in authorized_keys form: for five minutes
// its holder may connect to somebody's session, to look on.
func (c *Client) WatchCertificate(ctx context.Context, session, publicKey string) (hub.SSHCertificate, error) {
	return post[hub.SSHCertificate](ctx, c, "/v1/labs/"+seg(session)+"/watch", struct {
		PublicKey string `json:"public_key"`
	}{publicKey})
}

// RecordLab switches the recording of a session's shells on or off, from the
// next attach on.
func (c *Client) RecordLab(ctx context.Context, ref string, on bool) (hub.LabRecording, error) {
	return put[hub.LabRecording](ctx, c, "/v1/labs/"+seg(ref)+"/recording", switched{on})
}

// LabRecording says whether a session's shells are recorded.
func (c *Client) LabRecording(ctx context.Context, ref string) (hub.LabRecording, error) {
	return get[hub.LabRecording](ctx, c, "/v1/labs/"+seg(ref)+"/recording", nil)
}

// Recordings lists the caller's recordings, the newest first.
func (c *Client) Recordings(ctx context.Context) ([]hub.Recording, error) {
	return get[[]hub.Recording](ctx, c, "/v1/recordings", nil)
}

// Recording returns a recording as an asciicast: see package cast.
func (c *Client) Recording(ctx context.Context, id string) ([]byte, error) {
	resp, err := c.do(ctx, call{method: http.MethodGet, path: cut("/v1/recordings/" + seg(id))})
	if err != nil {
		return nil, err
	}
	return resp.Body(), nil
}

// RemoveRecording deletes a recording.
func (c *Client) RemoveRecording(ctx context.Context, id string) error {
	return remove(ctx, c, "/v1/recordings/"+seg(id))
}
