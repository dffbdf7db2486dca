package course_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/course"
	"github.com/cloudmastershub/cmh/cmd/format/formattest"
)

// What is asked for reaches the hub, and pages are one list.
func TestListAsksForWhatWasNamed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args  []string
		query string // of the first page
		exit  int
		out   string
		err   string
	}{
		"all":      {[]string{"list", "--jq", ".[].slug"}, "limit=100", cli.ExitOK, "one\ntwo\n", ""},
		"filters":  {[]string{"list", "--provider", "aws", "--level", "beginner", "--category", "iam", "--json=slug"}, "category=iam&level=beginner&limit=100&provider=aws", cli.ExitOK, `[{"slug":"one"},{"slug":"two"}]`, ""},
		"mine":     {[]string{"list", "--mine", "--limit", "2", "--jq", "length"}, "enrolled=true&limit=2", cli.ExitOK, "2\n", ""},
		"at most":  {[]string{"list", "--limit", "1", "--jq", ".[].slug"}, "limit=1", cli.ExitOK, "one\n", ""},
		"words":    {[]string{"search", "iam", "policies", "--jq", "length"}, "limit=100&q=iam+policies", cli.ExitOK, "2\n", ""},
		"none":     {[]string{"list", "--limit", "0"}, "", cli.ExitUsage, "", "at least 1"},
		"no field": {[]string{"list", "--json=nope"}, "limit=100", cli.ExitUsage, "", "nope"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var query string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.URL.Query().Get("cursor") == "" {
					query = r.URL.Query().Encode()
					w.Header().Set("Link", `</v1/courses?cursor=next>; rel="next"`)
					_, _ = io.WriteString(w, `[{"slug":"one","title":"One"}]`)
					return
				}
				_, _ = io.WriteString(w, `[{"slug":"two","title":"Two"}]`)
			}))
			defer srv.Close()
			var out, errOut bytes.Buffer
			env := &cli.Env{Out: &out, Err: &errOut, Format: formattest.Start, Backend: func() (cli.Backend, error) { return client.New(srv.URL), nil }}
			exit := cli.Run(t.Context(), course.Command(env), env, tt.args)
			if exit != tt.exit || strings.TrimSpace(out.String()) != strings.TrimSpace(tt.out) || !strings.Contains(errOut.String(), tt.err) {
				t.Errorf("exit %d, want %d\nout %q\nwant %q\nerr %q\nwant %q", exit, tt.exit, out.String(), tt.out, errOut.String(), tt.err)
			}
			if query != tt.query && tt.exit == cli.ExitOK {
				t.Errorf("asked for %q, want %q", query, tt.query)
			}
		})
	}
}
