package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// streaming starts the API without the contract in between, which reads every
// answer whole, and returns the user of c there.
func (h labHub) streaming(t *testing.T, c *client.Client) (*httptest.Server, *client.Client) {
	t.Helper()
	srv := httptest.NewServer(httpapi.New(h.App, h.App.Log))
	t.Cleanup(srv.Close)
	t.Cleanup(srv.CloseClientConnections)
	u, err := c.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	there := client.New(srv.URL)
	if _, err := there.Login(t.Context(), hub.Credentials{Email: u.Email, Password: apitest.Password}); err != nil {
		t.Fatal(err)
	}
	return srv, there
}

// A learner follows a session to its end: every event once, in order, also when
// the connection is cut again and again.
func TestLabEvents(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	c := h.User(t, hub.Free)
	srv, there := h.streaming(t, c)
	s := h.ready(t, c, "files")
	var types []string
	var ids []int64
	step := map[string]func(){
		"lab.ready": func() { h.do(t, s.ID, "one"); _, _ = c.CheckLab(ctx, s.ID, 0) },
		"lab.checked": func() {
			_, _ = c.NextLabStep(ctx, s.ID)
		},
		"lab.step_opened": func() { _, _ = c.ExtendLab(ctx, s.ID, 5) },
		"lab.extended":    func() { h.clock.Store(56 * 60); h.tend(t) },
		"lab.warning":     func() { _, _ = c.StopLab(ctx, s.ID) },
	}
	err := there.LabEvents(ctx, "files", 0, func(e hub.LabEvent) error {
		types, ids = append(types, e.Type), append(ids, e.ID)
		if e.SessionID != s.ID || e.LabID != "files" || e.At.IsZero() || e.Data["version"] != nil {
			t.Errorf("%+v", e)
		}
		if do := step[e.Type]; do != nil {
			do()
		}
		srv.CloseClientConnections()
		return nil
	})
	want := []string{"lab.started", "lab.ready", "lab.checked", "lab.step_opened", "lab.extended", "lab.warning", "lab.stopped"}
	if err != nil || !slices.Equal(types, want) || !slices.IsSorted(ids) {
		t.Errorf("%v, ids %v, %v", types, ids, err)
	}

	// Later, the rest can be read, and when there is no rest, that is said. This
	// goes through the contract.
	if err := h.App.SweepLabs(ctx); err != nil {
		t.Fatal(err)
	}
	types = nil
	if err := c.LabEvents(ctx, s.ID, ids[len(ids)-2], func(e hub.LabEvent) error { types = append(types, e.Type); return nil }); err != nil {
		t.Error(err)
	}
	if len(types) == 0 || types[0] != "lab.stopped" {
		t.Errorf("resumed at the end: %v", types)
	}
	stop := errors.New("enough")
	if err := c.LabEvents(ctx, s.ID, 0, func(hub.LabEvent) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the caller's own error came back as %v", err)
	}
	none := func(hub.LabEvent) error { t.Error("an event for a stranger"); return nil }
	apitest.Code(t, h.User(t, hub.Premium).LabEvents(ctx, s.ID, 0, none), hub.NotFound)
	apitest.Code(t, h.Guest().LabEvents(ctx, s.ID, 0, none), hub.Unauthenticated)
	// The commands over SSH read the same.
	types = nil
	if err := h.actor(t, c).LabEvents(ctx, s.ID, 0, func(e hub.LabEvent) error { types = append(types, e.Type); return nil }); err != nil || !slices.Equal(types[:7], want) {
		t.Errorf("%v, %v", types, err)
	}
}

// stream opens the events by hand.
func (h labHub) stream(t *testing.T, base, session, token, last string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v1/labs/"+session+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// A stream lasts no longer than the sign-in that opened it, nor than the
// server; and nobody has too many.
func TestLabEventsEnd(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	srv, _ := h.streaming(t, c)
	s := h.ready(t, c, "files")
	u, err := c.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := h.Guest().Login(t.Context(), hub.Credentials{Email: u.Email, Password: apitest.Password})
	if err != nil {
		t.Fatal(err)
	}
	if resp := h.stream(t, srv.URL, s.ID, l.AccessToken, "x"); resp.StatusCode != http.StatusBadRequest { //nolint:bodyclose // stream closes it with the test
		t.Errorf("a bad id: %s", resp.Status)
	}
	resp := h.stream(t, srv.URL, s.ID, l.AccessToken, "") //nolint:bodyclose // stream closes it with the test
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	lines := bufio.NewScanner(resp.Body)
	var head []string
	for len(head) < 6 && lines.Scan() {
		head = append(head, lines.Text())
	}
	if head[0] != "retry: 1000" || !strings.HasPrefix(head[2], "id: ") || head[3] != "event: lab.started" || !strings.HasPrefix(head[4], `data: {"id":`) {
		t.Errorf("%q", head)
	}
	token := h.Token(t, c) // of another sign-in
	for range 7 {
		if resp := h.stream(t, srv.URL, s.ID, token, ""); resp.StatusCode != http.StatusOK { //nolint:bodyclose // stream closes it with the test
			t.Fatal(resp.Status)
		}
	}
	if resp := h.stream(t, srv.URL, s.ID, token, ""); resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" { //nolint:bodyclose // stream closes it with the test
		t.Errorf("a ninth: %s", resp.Status)
	}
	if err := h.Guest().Logout(t.Context(), l.RefreshToken); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil { // its end, in order
		t.Error(err)
	}
	last := h.stream(t, srv.URL, s.ID, token, "") //nolint:bodyclose // stream closes it with the test
	if last.StatusCode != http.StatusOK {
		t.Errorf("after one has ended: %s", last.Status)
	}
	h.App.CloseStreams()
	if _, err := io.Copy(io.Discard, last.Body); err != nil {
		t.Error(err)
	}
	if _, err := c.StopLab(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	if resp := h.stream(t, srv.URL, s.ID, token, "9000000000"); resp.StatusCode != http.StatusNoContent { //nolint:bodyclose // stream closes it with the test
		t.Errorf("all told: %s", resp.Status)
	}
}
