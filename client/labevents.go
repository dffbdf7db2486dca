package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

const (
	silence      = 45 * time.Second // the server says something every 15
	maxEventLine = 1 << 20
	firstReturn  = 250 * time.Millisecond
	lastReturn   = 10 * time.Second
	returnsFor   = 10 // attempts in vain, one after the other
)

// errYield wraps what yield said, which is the caller's own.
type errYield struct{ error }

// LabEvents yields the events of a session behind the one with that id (0 is
// from its start), each once and in order, as they happen. It comes back by
// itself when the connection breaks or the server restarts. It returns nil when
// the session has ended, and whatever error yield returns.
func (c *Client) LabEvents(ctx context.Context, ref string, after int64, yield func(hub.LabEvent) error) error {
	if c.err != nil {
		return c.err
	}
	last, tried := after, 0
	for pause := firstReturn; ; pause = min(2*pause, lastReturn) {
		before := last
		err := c.readEvents(ctx, ref, &last, yield)
		if mine := (errYield{}); errors.As(err, &mine) {
			return mine.error
		}
		if errors.Is(err, errAllTold) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if last > before {
			pause, tried = firstReturn, 0
		}
		e, known := errors.AsType[*hub.Error](err)
		switch {
		case err == nil: // the server closed it, after it had let us in
			tried = 0
		case known && e.Code != hub.Unavailable:
			return err
		default:
			if tried++; tried >= returnsFor {
				return err
			}
		}
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		}
	}
}

// errAllTold is the server's word that nothing more comes.
var errAllTold = errors.New("all is told")

// readEvents reads one connection's worth of events. It returns nil when the
// server has closed it in order.
func (c *Client) readEvents(ctx context.Context, ref string, last *int64, yield func(hub.LabEvent) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := c.openEvents(ctx, ref, *last)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return errAllTold
	}
	quiet := time.AfterFunc(silence, cancel) // a dead connection looks like a silent one
	defer quiet.Stop()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEventLine)
	for lines.Scan() {
		quiet.Reset(silence)
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue // the id is in the data, and so is the type
		}
		var e hub.LabEvent
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return &hub.Error{Code: hub.Internal, Message: "The server sent an event we do not understand.", Err: err}
		}
		if e.ID <= *last {
			continue
		}
		if err := yield(e); err != nil {
			return errYield{err}
		}
		*last = e.ID
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}

// openEvents opens a stream, renewing the token once when it has run out.
func (c *Client) openEvents(ctx context.Context, ref string, last int64) (*http.Response, error) {
	token, err := c.bearer(ctx)
	if err != nil {
		return nil, err
	}
	for renewed := false; ; renewed = true {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.BaseURL()+"/v1/labs/"+seg(ref)+"/events", nil)
		if err != nil {
			return nil, hub.Wrap(err, hub.Invalid, "That cannot be asked for.")
		}
		req.Header.Set("Accept", "text/event-stream, application/problem+json")
		req.Header.Set("User-Agent", c.http.Header.Get("User-Agent"))
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		if last > 0 {
			req.Header.Set("Last-Event-ID", strconv.FormatInt(last, 10))
		}
		// Not the client of other requests: it gives up after a while.
		resp, err := (&http.Client{Transport: c.http.GetClient().Transport, CheckRedirect: stay}).Do(req)
		if err != nil {
			return nil, hub.Wrap(err, hub.Unavailable, "Could not reach CloudMastersHub at %s.", c.BaseURL())
		}
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if resp.StatusCode == http.StatusNoContent || (resp.StatusCode == http.StatusOK && kind == "text/event-stream") {
			return resp, nil
		}
		err = problemIn(resp)
		if hub.CodeOf(err) != hub.Unauthenticated || token == "" || renewed {
			return nil, err
		}
		next, renewErr := c.renew(ctx, token)
		if renewErr != nil || next == "" {
			return nil, errors.Join(renewErr, err)
		}
		token = next
	}
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// problemIn reads why a stream was refused.
func problemIn(resp *http.Response) error {
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxEventLine))
	return refusal(resp.StatusCode, resp.Header, body)
}
