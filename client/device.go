package client

import (
	"context"
	"net/http"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// BeginDevice asks for codes to sign in with from a program without a browser.
// An empty name is the client's UserAgent.
func (c *Client) BeginDevice(ctx context.Context, name string) (hub.DeviceCode, error) {
	var d hub.DeviceCode
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: cut("/v1/auth/device"), body: map[string]string{"client_id": name}, out: &d, guest: true,
	})
	return d, err
}

// The least and the most that a server makes a program wait between questions.
const (
	leastPause = time.Second
	mostPause  = time.Minute
)

// DeviceLogin asks for the tokens of a device code, as often as the server
// wants, until somebody has answered its user code: then the tokens go to the
// client's store. It ends with ctx, or when the code has run out.
func (c *Client) DeviceLogin(ctx context.Context, d hub.DeviceCode) (hub.Login, error) {
	pause := min(max(time.Duration(d.Interval)*time.Second, leastPause), mostPause)
	for {
		select {
		case <-ctx.Done():
			return hub.Login{}, ctx.Err()
		case <-time.After(pause):
		}
		l, err := c.deviceLogin(ctx, d.DeviceCode)
		switch hub.CodeOf(err) {
		case "":
			_, err = c.tokens.Update(ctx, func(hub.Tokens) (hub.Tokens, error) { return l.Tokens, nil })
			return l, err
		case hub.Conflict, hub.Limit, hub.Unavailable: // not yet, too soon, or a server that will be back
			if e, ok := err.(*hub.Error); ok && e.RetryAfter > 0 { //nolint:errorlint // do returns it as it is
				pause = min(max(e.RetryAfter, leastPause), mostPause)
			}
		default:
			return hub.Login{}, err
		}
	}
}

func (c *Client) deviceLogin(ctx context.Context, code string) (l hub.Login, err error) {
	_, err = c.do(ctx, call{
		method: http.MethodPost, path: cut("/v1/auth/device/token"), body: map[string]string{"device_code": code}, out: &l, guest: true,
	})
	return l, err
}

// DeviceRequest tells which program waits for a user code.
func (c *Client) DeviceRequest(ctx context.Context, userCode string) (hub.DeviceRequest, error) {
	return c.answerDevice(ctx, userCode, "look")
}

// ApproveDevice signs the program that shows the code in as the caller.
func (c *Client) ApproveDevice(ctx context.Context, userCode string) error {
	_, err := c.answerDevice(ctx, userCode, "approve")
	return err
}

// DenyDevice makes the program that shows the code give up.
func (c *Client) DenyDevice(ctx context.Context, userCode string) error {
	_, err := c.answerDevice(ctx, userCode, "deny")
	return err
}

func (c *Client) answerDevice(ctx context.Context, code, answer string) (d hub.DeviceRequest, err error) {
	_, err = c.do(ctx, call{
		method: http.MethodPost, path: cut("/v1/auth/device/approval"), body: map[string]string{"user_code": code, "answer": answer}, out: &d,
	})
	return d, err
}
