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
	"github.com/cloudmastershub/cmh/cmd/format/formattest"
)

const (
	running = `{"session_id":"s-aaaaaaaaaa","lab_id":"triage","state":"detached","step":1,
		"steps":[{"number":1,"title":"One","state":"failed"},{"number":2,"title":"Two","state":"pending"}]}`
	hinted  = `{"id":"triage","steps":[{"number":1,"title":"One","checked":true,"hints":2},{"number":2,"title":"Two","checked":true,"hints":0}]}`
	refused = `{"code":"conflict","status":409,"detail":"Step 2 is not open yet. Pass step 1 first."}`
	noRoom  = `{"code":"conflict","status":409,"detail":"The lab ships cannot run here: this installation lacks Docker, a network."}`
)

// several is a step with three checks, of which one passed.
const several = `{"session_id":"s-aaaaaaaaaa","step":1,"state":"failed","message":"mode: 755","open":0,"checks":[
	{"name":"owner","state":"passed","expected":"ana"},
	{"name":"mode","state":"failed","expected":"700","observed":"755\nof a folder","message":"755\nof a folder"},
	{"name":"port","state":"error","message":"It was killed."}],
	"steps":[{"number":1,"title":"One","state":"failed","attempts":1}]}`

func answered(right string) string {
	return `{"session_id":"s-aaaaaaaaaa","step":1,"question":2,"right":` + right + `,"attempts":1,"open":0,"steps":[]}`
}

func verdict(state, message string) string {
	return `{"session_id":"s-aaaaaaaaaa","step":1,"state":"` + state + `","message":"` + message + `",
		"steps":[{"number":1,"title":"One","state":"` + state + `","attempts":1,"message":"` + message + `"}]}`
}

// Scripts and CI rely on these statuses and on these names.
func TestStatusesAndNames(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		reply  string // to POST
		args   string
		exit   int
		out    string // in it
		err    string
	}{
		"passed":       {200, verdict("passed", ""), "check s-aaaaaaaaaa", cli.ExitOK, "Step 1: One (passed)", "cmh lab submit"},
		"failed":       {200, verdict("failed", "No file x."), "check s-aaaaaaaaaa", cli.ExitRed, "No file x.", "cmh lab hint"},
		"no hints":     {200, strings.ReplaceAll(verdict("failed", "No file y."), ":1,", ":2,"), "check s-aaaaaaaaaa --step 2", cli.ExitRed, "No file y.", ""},
		"the only one": {200, verdict("failed", ""), "check", cli.ExitRed, "(not yet)", ""},
		"not checked":  {200, verdict("error", "It took too long."), "check s-aaaaaaaaaa", cli.ExitLater, "could not be checked", ""},
		"not open yet": {409, refused, "check s-aaaaaaaaaa --step 2 --json", cli.ExitRed, `"step":2,"state":"pending"`, ""},
		"no such step": {409, refused, "check s-aaaaaaaaaa --step 3", cli.ExitFailed, "", "not open yet"},
		"step 0":       {200, verdict("passed", ""), "check --step 0", cli.ExitUsage, "", "counted from 1"},
		"busy":         {503, `{"code":"unavailable","status":503,"detail":"Still being prepared."}`, "check s-aaaaaaaaaa", cli.ExitLater, "", "Still being prepared."},
		"not ours":     {404, `{"code":"not_found","status":404,"detail":"There is none."}`, "check s-bbbbbbbbbb", cli.ExitNotFound, "", "There is none."},
		"needs Docker": {409, noRoom, "start ships --detach", cli.ExitFailed, "", "lacks Docker, a network"},
		"premium only": {403, `{"code":"forbidden","status":403,"detail":"Part of the premium tier."}`, "start secrets --detach", cli.ExitForbidden, "", "premium"},
		"names": {
			200, verdict("failed", "No file x."), "check --json=steps", cli.ExitRed,
			`{"steps":[{"number":1,"title":"One","state":"failed","message":"No file x.","attempts":1}]}`, "",
		},
		"each check": {
			200, several, "check s-aaaaaaaaaa", cli.ExitRed,
			"  ✓ owner\n  ✗ mode\n    expected  700\n    observed  755\n              of a folder\n  ? port\n              It was killed.\n", "",
		},
		"questions left": {200, strings.ReplaceAll(verdict("passed", ""), `"step":1`, `"open":2,"step":1`), "check s-aaaaaaaaaa", cli.ExitOK, "", "cmh lab answer"},
		"right answer":   {200, answered("true"), "answer s-aaaaaaaaaa --answer b", cli.ExitOK, "✓ right: question 2 of step 1", "Every question of step 1"},
		"wrong answer":   {200, answered("false"), "answer s-aaaaaaaaaa --question 2 --answer a", cli.ExitRed, "✗ not right: question 2", ""},
		"nobody to ask":  {200, answered("true"), "answer s-aaaaaaaaaa", cli.ExitUsage, "", "--answer is missing"},
		"what it costs":  {200, `{"step":1,"number":1,"of":2,"text":"Look.","cost":10}`, "hint s-aaaaaaaaaa", cli.ExitOK, "Hint 1 of 2 for step 1 (10 points)", ""},

		"too long":  {0, "", "wait s-aaaaaaaaaa --for ended --timeout 1ms", cli.ExitLater, "", "Not ended after 1ms"},
		"no states": {0, "", "wait s-aaaaaaaaaa --for ever", cli.ExitUsage, "", "ready, checked or ended"},
		"ready":     {0, "", "wait s-aaaaaaaaaa --jq .state", cli.ExitOK, "detached", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				status, reply := http.StatusOK, running
				switch {
				case r.Method == http.MethodPost:
					status, reply = tt.status, tt.reply
				case strings.HasSuffix(r.URL.Path, "/labs/sessions"):
					reply = "[" + running + "]"
				case strings.HasSuffix(r.URL.Path, "/labs/triage"):
					reply = hinted
				}
				w.Header().Set("Content-Type", "application/json")
				if status >= 400 {
					w.Header().Set("Content-Type", "application/problem+json")
				}
				w.WriteHeader(status)
				_, _ = io.WriteString(w, reply)
			}))
			defer srv.Close()
			var out, errOut bytes.Buffer
			env := &cli.Env{Out: &out, Err: &errOut, Format: formattest.Start, Backend: func() (cli.Backend, error) { return client.New(srv.URL), nil }}
			exit := cli.Run(t.Context(), lab.Command(env, nil, nil), env, strings.Fields(tt.args))
			if name == "no hints" && strings.Contains(errOut.String(), "lab hint") {
				t.Errorf("a hint is offered that isn't there: %q", errOut.String())
			}
			if exit != tt.exit || !strings.Contains(out.String(), tt.out) || !strings.Contains(errOut.String(), tt.err) {
				t.Errorf("exit %d, want %d\nout %q\nwant %q\nerr %q\nwant %q", exit, tt.exit, out.String(), tt.out, errOut.String(), tt.err)
			}
		})
	}
}
