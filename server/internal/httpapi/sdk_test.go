package httpapi_test

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
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/docs"
	"github.com/cloudmastershub/cmh/sdk"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// What `make sdk` makes of the contract works against the server that keeps it:
// signing in, renewing, pages, refusals, patience; and a token goes nowhere else.
func TestSDKs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := sdk.Write(dir, docs.OpenAPI); err != nil {
		t.Fatal(err)
	}
	for name, command := range map[string][]string{
		"typescript": {"node", "testdata/morning.mjs", filepath.Join(dir, "typescript/dist/index.js")},
		"python":     {"python3", "testdata/morning.py", filepath.Join(dir, "python")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := apitest.New(t)
			teacher := newAuthor(t, api, hub.Instructor)
			c := teacher.publish(t, "one", titled("A"))
			teacher.publish(t, "two", titled("C"))
			teacher.publish(t, "three", titled("B"))
			u, err := api.User(t, hub.Free).Profile(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			busy, elsewhere, robbed := onTheWay(t, api)
			config, err := json.Marshal(map[string]string{
				"base": api.URL, "email": u.Email, "password": apitest.Password, "lesson": c.Lessons[0].ID, "busy": busy, "elsewhere": elsewhere,
			})
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], string(config))...) //nolint:gosec // those above
			cmd.Env = append(os.Environ(), "NO_PROXY=*", "PYTHONDONTWRITEBYTECODE=1")
			var complaint strings.Builder
			cmd.Stderr = &complaint
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, &complaint)
			}
			var said map[string]any
			if err := json.Unmarshal(out, &said); err != nil {
				t.Fatalf("%s: %v", out, err)
			}
			want := map[string]any{
				"username": u.Username, "kept": true, "courses": []any{"one", "three", "two"}, "version": 1.0, "progress": 40.0, "theme": "dark", "renewed": true,
				"missing": "not_found", "guest": "unauthenticated", "busy": u.Username, "impatient": "limit", "elsewhere": "internal",
			}
			if diff := cmp.Diff(want, said); diff != "" {
				t.Errorf("a morning (-want +got):\n%s", diff)
			}
			if robbed() {
				t.Error("the token went elsewhere")
			}
		})
	}
}

// onTheWay starts what a client meets between itself and the hub: somebody who
// asks for a second's patience, at first or for ever, and somebody who sends one
// elsewhere, where a thief waits.
func onTheWay(t *testing.T, api *apitest.API) (busy, elsewhere string, robbed func() bool) {
	t.Helper()
	to, err := url.Parse(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	var asked atomic.Int32
	b := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if never := strings.HasPrefix(r.URL.Path, "/never"); never || asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "1")
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"code":"limit","detail":"Not so fast.","status":429}`))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	var theft atomic.Bool
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { theft.Store(true) }))
	t.Cleanup(thief.Close)
	e := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(e.Close)
	return b.URL, e.URL, theft.Load
}

// The collection asks what the contract names: each of its requests has an
// answer that the contract describes.
func TestThePostmanCollection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := sdk.Write(dir, docs.OpenAPI); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "postman/cloudmastershub.postman_collection.json"))
	if err != nil {
		t.Fatal(err)
	}
	var collection struct {
		Item []struct {
			Item []struct {
				Name    string
				Request struct {
					Method string
					URL    struct{ Path []string }
					Body   struct{ Raw string }
				}
			}
		}
	}
	if err := json.Unmarshal(text, &collection); err != nil {
		t.Fatal(err)
	}
	api := apitest.New(t)
	n := 0
	for _, folder := range collection.Item {
		for _, item := range folder.Item {
			if item.Name == "Delete the caller's account and everything in it" {
				continue
			}
			n++
			path := item.Request.URL.Path
			for i, segment := range path {
				if strings.HasPrefix(segment, ":") {
					path[i] = "none"
				}
			}
			token := api.Token(t, api.User(t, hub.Instructor))
			got := send(t, api, item.Request.Method, "/"+strings.Join(path, "/"), token, item.Request.Body.Raw)
			if got.status >= 500 || got.status == http.StatusUnprocessableEntity && strings.Contains(got.body, "no such field") {
				t.Errorf("%s: %d %s", item.Name, got.status, got.body)
			}
		}
	}
	if n < 60 {
		t.Errorf("only %d requests", n)
	}
}
