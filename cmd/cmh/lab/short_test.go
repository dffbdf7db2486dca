package lab_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/lab"
)

// Who gets less time than a lab asks for is told before it opens; a key that may
// not read that starts labs all the same.
func TestLessTimeThanALabAsksFor(t *testing.T) {
	t.Parallel()
	const (
		short   = `{"tier":"free","lab_minutes":{"limit":60,"window":86400,"used":48,"remaining":12}}`
		started = `{"session_id":"s-aaaaaaaaaa","lab_id":"triage","state":"ready","expires_at":"2026-03-01T10:12:00Z","extendable_until":"2026-03-01T10:12:00Z"}`
	)
	for name, tt := range map[string]struct {
		usage, lab string
		status     int
		said       bool
	}{
		"less":           {short, `{"id":"triage","estimated_time":30}`, 200, true},
		"nobody said":    {short, `{"id":"triage"}`, 200, true},
		"enough":         {short, `{"id":"triage","estimated_time":12}`, 200, false},
		"no limit":       {`{"tier":"premium","lab_minutes":{"limit":0,"used":48}}`, `{"id":"triage","estimated_time":30}`, 200, false},
		"not to be told": {`{"code":"forbidden","detail":"No."}`, `{"id":"triage","estimated_time":30}`, 403, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch {
				case r.Method == http.MethodPost:
					_, _ = io.WriteString(w, started)
				case strings.HasSuffix(r.URL.Path, "/usage"):
					if tt.status >= 400 {
						w.Header().Set("Content-Type", "application/problem+json")
					}
					w.WriteHeader(tt.status)
					_, _ = io.WriteString(w, tt.usage)
				default:
					_, _ = io.WriteString(w, tt.lab)
				}
			}))
			defer srv.Close()
			var out, errOut bytes.Buffer
			env := &cli.Env{Out: &out, Err: &errOut, Backend: func() (cli.Backend, error) { return client.New(srv.URL), nil }}
			exit := cli.Run(t.Context(), lab.Command(env, nil, nil), env, []string{"start", "triage", "--detach"})
			said := strings.Contains(errOut.String(), "You have 12 of today's 60 lab minutes left, so this lab ends at ")
			if exit != 0 || said != tt.said || !strings.Contains(out.String(), "s-aaaaaaaaaa") {
				t.Errorf("exit %d, out %q, err %q", exit, out.String(), errOut.String())
			}
		})
	}
}
