package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

// fetch makes one request by hand.
func fetch(t *testing.T, method, url, body string, headers ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// Prometheus reads how the server does, on an address of its own.
func TestMetricsAreRead(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.env = append(s.env, "CMH_METRICS_ADDR=127.0.0.1:0")
	s.start()
	m := regexp.MustCompile(`metrics (http://[^\s,]+)`).FindStringSubmatch(s.line)
	if m == nil {
		t.Fatalf("it doesn't say where: %s", s.line)
	}
	if _, err := s.client().Courses(t.Context(), hub.CourseFilter{}); err != nil {
		t.Fatal(err)
	}
	fetch(t, "GET", s.url+"/v1/courses/no-such-course", "")
	got := ""
	until(t, "the database has answered in time", func() bool { // or what it counts is left out
		_, _, got = fetch(t, "GET", m[1], "")
		return strings.Contains(got, "cmh_labs_running ")
	})
	for _, want := range []string{
		`cmh_http_requests_total{method="GET",route="/v1/courses",status="200"} 1`,
		`cmh_http_requests_total{method="GET",route="/v1/courses/:course",status="404"} 1`,
		`cmh_http_request_duration_seconds_bucket{method="GET",route="/v1/courses",le="+Inf"} 1`,
		"cmh_db_connections_max ", "cmh_labs_running 0", "cmh_labs_queued 0", "cmh_up 1", "cmh_ssh_sessions 0",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %s", want)
		}
	}
	if strings.Contains(got, "no-such-course") {
		t.Error("an address became a label")
	}
	if status, _, _ := fetch(t, "GET", s.url+"/metrics", ""); status != http.StatusNotFound {
		t.Errorf("the API answers /metrics with %d: strangers read it", status)
	}
	s.stop()
}

// Whatever people do, the log knows no word of theirs that is nobody else's
// business; and each line is JSON.
func TestTheLogNamesNobody(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.env = append(s.env, "CMH_LOG_LEVEL=debug")
	s.start()
	const email, wrong, fresh = "ada.lovelace@example.com", "a wrong guess of hers", "another horse battery"
	var private []string
	ada := s.client()
	l, err := ada.Register(t.Context(), hub.Registration{Email: email, Username: "ada-lovelace", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	keep := func(x hub.Tokens) { private = append(private, x.AccessToken, x.RefreshToken) }
	keep(l.Tokens)
	for range 2 {
		if _, err := s.client().Login(t.Context(), hub.Credentials{Email: email, Password: wrong}); hub.CodeOf(err) != hub.Unauthenticated {
			t.Errorf("a wrong password: %v", err)
		}
	}
	if l, err = s.client().Login(t.Context(), hub.Credentials{Email: email, Password: password}); err != nil {
		t.Fatal(err)
	}
	keep(l.Tokens)
	status, _, body := fetch(t, "POST", s.url+"/v1/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, l.RefreshToken))
	var renewed hub.Tokens
	if err := json.Unmarshal([]byte(body), &renewed); status != http.StatusOK || err != nil {
		t.Fatalf("refresh: %d %v", status, err)
	}
	keep(renewed)
	as := []string{"Authorization", "Bearer " + renewed.AccessToken}
	made, err := ada.CreateAPIKey(t.Context(), hub.NewAPIKey{Name: "of the nightly job", Scopes: []hub.Scope{hub.AccountRead}})
	if err != nil {
		t.Fatal(err)
	}
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@laptop"
	if _, err := ada.AddKey(t.Context(), hub.NewKey{PublicKey: key}); err != nil {
		t.Fatal(err)
	}
	for _, ask := range []struct{ method, path, body string }{
		{"GET", "/v1/users/profile?access_token=" + made.Token, ""},
		{"GET", "/v1/users/profile", ""},
		{"GET", "/v1/users/export", ""},
		{"GET", "/v1/courses?q=" + email, ""},
		{"GET", "/" + email + "/" + made.Token, ""},
		{"POST", "/v1/auth/forgot-password", `{"email":"` + email + `"}`},
		{"POST", "/v1/auth/reset-password", `{"token":"cmhp_guessed-by-somebody","password":"` + fresh + `"}`},
		{"POST", "/v1/auth/login", `{"email":"` + email + `","password":"` + wrong + `"`},
		{"PUT", "/v1/users/password", `{"current_password":"` + password + `","new_password":"` + fresh + `"}`},
	} {
		fetch(t, ask.method, s.url+ask.path, ask.body, append([]string{"X-Request-Id", email}, as...)...)
	}
	if _, err := client.New(s.url, client.Token(made.Token)).Profile(t.Context()); err != nil {
		t.Error(err)
	}
	private = append(private, email, "lovelace", password, wrong, fresh, made.Token, "cmhp_guessed", "AAAAC3NzaC1lZDI1NTE5", "127.0.0.1")
	s.stop()
	lines := 0
	for line := range strings.Lines(s.log.String()) {
		if strings.HasPrefix(line, "warning: GOCOVERDIR") {
			continue // a build that measures coverage, of whose processes one has no environment
		}
		lines++
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
		for _, word := range private {
			if strings.Contains(line, word) && !strings.Contains(line, `"msg":"listening`) {
				t.Errorf("the log says %q: %s", word, line)
			}
		}
	}
	if lines < 15 {
		t.Errorf("the log has %d lines: nothing was tested\n%s", lines, &s.log)
	}
}

// A request has one name: the caller's, where it is fit to be one.
func TestRequestsHaveNames(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.env = append(s.env, "CMH_LOG_LEVEL=info")
	s.start()
	for given, taken := range map[string]bool{
		"0b9f7a62-6b8e-4c1c-9d54-2d1a3b1f5d10": true, "build-42": true, "": false, "ada@example.com": false, "two words": false,
		strings.Repeat("a", 65): false, "cmh_SECRET": false, `x"}`: false,
	} {
		_, head, body := fetch(t, "GET", s.url+"/v1/nothing", "", "X-Request-Id", given)
		id := head.Get("X-Request-Id")
		if (id == given) != taken || id == "" {
			t.Errorf("%q is called %q", given, id)
		}
		if !strings.Contains(body, `"request_id":"`+id+`"`) {
			t.Errorf("the problem doesn't name %q: %s", id, body)
		}
	}
	s.stop()
	if !strings.Contains(s.log.String(), `"request_id":"build-42"`) {
		t.Errorf("the log doesn't name it:\n%s", &s.log)
	}
}
