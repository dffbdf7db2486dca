package client

import (
	"context"
	"net/url"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Labs lists labs without their texts.
func (c *Client) Labs(ctx context.Context, f hub.LabFilter) (hub.Page[hub.Lab], error) {
	q := url.Values{}
	for name, value := range map[string]string{"q": f.Query, "course": f.Course, "provider": f.Provider} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Runnable {
		q.Set("runnable", "true")
	}
	return list[hub.Lab](ctx, c, "/v1/labs", q, f.Paging)
}

// Lab returns a lab with its texts.
func (c *Client) Lab(ctx context.Context, id string) (hub.Lab, error) {
	return get[hub.Lab](ctx, c, "/v1/labs/"+seg(id), nil)
}

// LabSessions lists the caller's sessions: running ones first, then the newest.
func (c *Client) LabSessions(ctx context.Context) ([]hub.LabSession, error) {
	return get[[]hub.LabSession](ctx, c, "/v1/labs/sessions", nil)
}

// StartLab begins a session of a lab, or returns the one that runs. It may
// still be provisioning.
func (c *Client) StartLab(ctx context.Context, lab string) (hub.LabSession, error) {
	return post[hub.LabSession](ctx, c, "/v1/labs/"+seg(lab)+"/start", nil)
}

// LabSession returns one of the caller's sessions. ref is its id, or a lab: then
// it is the running session of the lab, or the latest. So it is wherever a
// session is asked for.
func (c *Client) LabSession(ctx context.Context, ref string) (hub.LabSession, error) {
	return get[hub.LabSession](ctx, c, "/v1/labs/"+seg(ref)+"/status", nil)
}

// labStep names a step: 0 is the current one.
type labStep struct {
	Step int `json:"step"`
}

// CheckLab checks a step; 0 is the current one.
func (c *Client) CheckLab(ctx context.Context, ref string, step int) (hub.CheckResult, error) {
	return post[hub.CheckResult](ctx, c, "/v1/labs/"+seg(ref)+"/check", labStep{step})
}

// NextLabStep moves on from a step that is passed or has no check.
func (c *Client) NextLabStep(ctx context.Context, ref string) (hub.LabSession, error) {
	return post[hub.LabSession](ctx, c, "/v1/labs/"+seg(ref)+"/next", nil)
}

// SkipLabStep gives up on the current step after three checks that did not
// pass.
func (c *Client) SkipLabStep(ctx context.Context, ref string) (hub.LabSession, error) {
	return post[hub.LabSession](ctx, c, "/v1/labs/"+seg(ref)+"/skip", nil)
}

// LabHint shows the next hint of a step; 0 is the current one.
func (c *Client) LabHint(ctx context.Context, ref string, step int) (hub.Hint, error) {
	return post[hub.Hint](ctx, c, "/v1/labs/"+seg(ref)+"/hint", labStep{step})
}

// LabSolution shows how a step can be solved, once it has been checked; 0 is
// the current one.
func (c *Client) LabSolution(ctx context.Context, ref string, step int) (hub.Solution, error) {
	return post[hub.Solution](ctx, c, "/v1/labs/"+seg(ref)+"/solution", labStep{step})
}

// AnswerLab answers one question that a step's text asks.
func (c *Client) AnswerLab(ctx context.Context, ref string, a hub.LabAnswer) (hub.AnswerResult, error) {
	return post[hub.AnswerResult](ctx, c, "/v1/labs/"+seg(ref)+"/answer", a)
}

// SubmitLab hands a session in, which ends it.
func (c *Client) SubmitLab(ctx context.Context, ref string) (hub.LabSession, error) {
	return put[hub.LabSession](ctx, c, "/v1/labs/"+seg(ref)+"/submit", nil)
}

// StopLab ends a session without handing it in.
func (c *Client) StopLab(ctx context.Context, ref string) (hub.LabSession, error) {
	return post[hub.LabSession](ctx, c, "/v1/labs/"+seg(ref)+"/stop", nil)
}

// LabCertificate signs a public key, in authorized_keys form: for five minutes
// its holder may connect to the session.
func (c *Client) LabCertificate(ctx context.Context, ref, publicKey string) (hub.SSHCertificate, error) {
	return post[hub.SSHCertificate](ctx, c, "/v1/labs/"+seg(ref)+"/certificate", struct {
		PublicKey string `json:"public_key"`
	}{publicKey})
}
