package root_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/format/formattest"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
)

// A server may be anybody's. Whatever it answers, cmh says one clean thing,
// fails, and shows nothing that a terminal would obey.
func TestHostileServer(t *testing.T) {
	t.Parallel()
	const evil = "\\u001b]0;owned\\u0007\\u001b[2J\\u009b31m\\u202e"
	for name, tt := range map[string]struct {
		status    int
		kind      string
		body      string
		args      string
		exit      int
		wantInOut string
	}{
		"a page":            {200, "text/html", "<html>", "course list", 1, ""},
		"no JSON":           {200, "application/json", "{", "course list", 1, ""},
		"another shape":     {200, "application/json", `{"slug":1}`, "course view x", 1, ""},
		"null":              {200, "application/json", `null`, "lab sessions", 0, ""},
		"deep":              {200, "application/json", strings.Repeat("[", 100000), "course list", 1, ""},
		"evil title":        {200, "application/json", `[{"slug":"x","title":"T` + evil + `itle"}]`, "course list", 0, "T31mitle"},
		"evil title, JSON":  {200, "application/json", `[{"slug":"x","title":"T` + evil + `itle"}]`, "course list --json=title", 0, `T\u001b]0;owned\u0007\u001b[2J\u009b31m\u202eitle`},
		"evil title, jq":    {200, "application/json", `[{"slug":"x","title":"T` + evil + `itle"}]`, "course list --jq .[].title", 0, "T31mitle"},
		"evil lesson":       {200, "application/json", `{"id":"l","title":"L","body":"B` + evil + `ody &#27;[2J"}`, "lesson view x l --color always", 0, "ody"},
		"evil error":        {404, "application/problem+json", `{"code":"not_found","detail":"D` + evil + `etail"}`, "course view x", 5, ""},
		"evil error, JSON":  {404, "application/problem+json", `{"code":"not_found","detail":"D` + evil + `etail"}`, "course view x --json", 5, ""},
		"unknown code":      {418, "application/problem+json", `{"code":"teapot","detail":"x"}`, "course view x", 1, ""},
		"elsewhere":         {302, "text/plain", "", "course list", 1, ""},
		"evil ssh address":  {200, "application/json", `[{"session_id":"s-aaaaaaaaaa","lab_id":"x","state":"ready","ssh":{"host":"h\n ProxyCommand id","port":1,"user":"s-a","host_key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB4C1bmtXbeAqo4Ts9iNgaSaTpRh8XtbCzcXVLjB2Xt6"}}]`, "ssh-config", 1, ""},
		"over the limit":    {429, "application/problem+json", `{"code":"limit","detail":"Too many requests."}`, "course list", 75, ""},
		"over, JSON":        {429, "application/problem+json", `{"code":"limit","detail":"Too many requests."}`, "course list --json", 75, ""},
		"a proxy is full":   {503, "text/html", "<h1>busy</h1>", "course list", 75, ""},
		"sixteen MiB more":  {200, "application/json", `[{"slug":"` + strings.Repeat("x", 17<<20) + `"}]`, "course list", 1, ""},
		"text for JSON":     {200, "text/plain", `[{"slug":"x","title":"T"}]`, "course list", 1, ""},
		"a script for JSON": {200, "application/javascript", `[{"slug":"x","title":"T"}]`, "course list", 1, ""},
		"no kind at all":    {200, "", `[{"slug":"x","title":"T"}]`, "course list", 1, ""},
		"a path for a name": {200, "application/json", `{"session_id":"../../../etc/passwd","lab_id":"../../x","state":"ready","ssh":{"host":"../x","port":1,"user":"../../y","host_key":"/etc/passwd"}}`, "lab status x", 0, ""},
		"two numbers":       {200, "application/json", `[{"slug":"x","duration":1e400}]`, "course list", 1, ""},
		"check never made":  {200, "application/json", `{"session_id":"s-a","step":1,"state":"fine"}`, "lab check s-a", 75, ""},
		"check with no say": {200, "application/json", `{}`, "lab check s-a", 75, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Type"] = []string{tt.kind}
				w.Header().Set("Retry-After", "3600") // longer than anybody waits
				w.Header().Set("Location", "http://169.254.169.254/")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer srv.Close()
			var out, errOut bytes.Buffer
			env := &cli.Env{
				Format: formattest.Start, Pages: draw.Outline,
				In: strings.NewReader(""), Out: &out, Err: &errOut, ShowCause: true,
				Backend: func() (cli.Backend, error) { return client.New(srv.URL), nil },
			}
			exit := cli.Run(t.Context(), tree(env), env, strings.Fields(tt.args))
			if exit != tt.exit {
				t.Errorf("exit %d, want %d; out %q, err %q", exit, tt.exit, out.String(), errOut.String())
			}
			if !strings.Contains(out.String(), tt.wantInOut) {
				t.Errorf("out %q, want %q in it", out.String(), tt.wantInOut)
			}
			for _, bad := range []string{"\x1b]", "\x1b[2J", "\x07", "\u009b", "\u202e"} {
				if strings.Contains(out.String()+errOut.String(), bad) {
					t.Errorf("%q came through: out %q, err %q", bad, out.String(), errOut.String())
				}
			}
		})
	}
}
