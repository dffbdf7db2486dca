package testscript

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Programs of one learner are told at the same moment that their access token is
// no longer one. One of them asks for another, all go on with that, and nobody is
// signed out.
func TestProgramsRefreshOnce(t *testing.T) {
	t.Parallel()
	const programs = 4
	bin := build(t, "cmh", "cmh-server", "lab-agent")
	h := serve(t, bin)
	to, err := url.Parse(h.api)
	if err != nil {
		t.Fatal(err)
	}
	var (
		stale              atomic.Pointer[string]
		arrived, refreshes atomic.Int32
		told               = make(chan struct{})
		through            = httputil.NewSingleHostReverseProxy(to)
	)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/auth/refresh" {
			refreshes.Add(1)
		}
		if s := stale.Load(); s != nil && r.Header.Get("Authorization") == "Bearer "+*s {
			// Nobody is told before all have asked, so that nobody finds what another got.
			if arrived.Add(1) == programs {
				close(told)
			}
			select {
			case <-told:
			case <-r.Context().Done():
			}
		}
		through.ServeHTTP(w, r)
	}))
	t.Cleanup(between.Close)
	home := t.TempDir()
	cmh := func(stdin string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "cmh"), args...)
		cmd.Env = append(counting(), "PATH="+os.Getenv("PATH"), "HOME="+home, "CMH_CONFIG_DIR="+filepath.Join(home, "config"), "CMH_SERVER="+between.URL, "TERM=dumb", "CI=true")
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := cmh("correct horse battery\n", "auth", "register", "--email", "ada@example.com", "--username", "ada", "--password-stdin", "--insecure-storage"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	spoiled := spoil(t, filepath.Join(home, "config", "credentials.json"))
	stale.Store(&spoiled)

	var running sync.WaitGroup
	for range programs {
		running.Go(func() {
			if out, err := cmh("", "profile", "view"); err != nil || !strings.Contains(out, "ada@example.com") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	running.Wait()
	if n := refreshes.Load(); n != 1 {
		t.Errorf("%d refreshes by %d programs", n, programs)
	}
	if out, err := cmh("", "auth", "sessions"); err != nil || strings.Count(out, "cmh/") != 1 || refreshes.Load() != 1 {
		t.Errorf("afterwards: %v, %q, %d refreshes", err, out, refreshes.Load())
	}
}

// spoil makes the access token in a file of sign-ins one that the server takes for
// none, as it does when its time is over, and returns it.
func spoil(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]map[string]any
	if err := json.Unmarshal(b, &file); err != nil || len(file) != 1 {
		t.Fatalf("%v: %s", err, b)
	}
	token := ""
	for _, entry := range file {
		tokens, ok := entry["tokens"].(map[string]any)
		if !ok {
			t.Fatalf("no tokens: %s", b)
		}
		token = tokens["access_token"].(string) + "x"
		tokens["access_token"] = token
	}
	if b, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return token
}
