package httpapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// repository packs files below the folder "shell-basics".
func repository(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	w := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data := files[name]
		if err := w.WriteHeader(&tar.Header{Name: "shell-basics/" + name, Size: int64(len(data)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func scenarios() map[string]string {
	return map[string]string{
		"files/index.json": `{"title": "Files", "difficulty": "medium", "time": "10 minutes", "details": {"steps": [
			{"title": "One", "text": "1.md", "verify": "v.sh"}]}, "backend": {"imageid": "ubuntu"}, "odd": 1}`,
		"files/1.md":       "Run it:\n```\ntouch x\n```{{exec}}\n",
		"files/v.sh":       "[ -f x ]",
		"pods/index.json":  `{"title": "Pods", "details": {"steps": [{"text": "1.md"}]}, "backend": {"imageid": "kubernetes-kubeadm-1node"}}`,
		"pods/1.md":        "`kubectl get pods`{{execute}}",
		"wrong/index.json": `{"details": oops}`,
		"LICENSE":          "MIT",
	}
}

func TestAnInstructorImportsARepository(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	author := api.User(t, hub.Instructor)
	files := scenarios()

	dry, err := author.ImportScenarios(t.Context(), hub.ImportOptions{DryRun: true}, bytes.NewReader(repository(t, files)))
	if err != nil || dry.Course != "" || len(dry.Labs) != 2 {
		t.Fatalf("dry run: %+v, %v", dry, err)
	}
	_, err = api.Guest().Course(t.Context(), "shell-basics")
	apitest.Code(t, err, hub.NotFound)

	r, err := author.ImportScenarios(t.Context(), hub.ImportOptions{Kind: "killercoda", Title: "The shell"}, bytes.NewReader(repository(t, files)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range r.Labs {
		got = append(got, strings.Join([]string{l.Slug, l.Path, l.Title, l.Image, strings.Join(l.Needs, ","), l.State}, " "))
	}
	want := []string{
		"shell-basics-files files Files ubuntu linux new", "shell-basics-pods pods Pods kubernetes-kubeadm-1node kubernetes new",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if r.Course != "shell-basics" || r.Version != 1 || r.Licence != "LICENSE" || r.Labs[0].Checks != 1 || r.Labs[1].Runnable || r.Labs[1].Reason == "" {
		t.Errorf("%+v", r)
	}
	if len(r.Rejected) != 1 || !strings.HasPrefix(r.Rejected[0], "wrong/index.json:1:") {
		t.Errorf("rejected %v", r.Rejected)
	}

	c, err := api.Guest().Course(t.Context(), "shell-basics")
	if err != nil || c.Title != "The shell" || c.Provider != "multi" || c.Category != "scenarios" || c.Duration != 10 || len(c.Labs) != 2 {
		t.Errorf("%+v, %v", c, err)
	}

	again, err := author.ImportScenarios(t.Context(), hub.ImportOptions{Title: "The shell"}, bytes.NewReader(repository(t, files)))
	if err != nil || again.Version != 1 || again.Labs[0].State != hub.ImportUnchanged {
		t.Errorf("again: %+v, %v", again, err)
	}
	files["files/1.md"] = "Other text"
	changed, err := author.ImportScenarios(t.Context(), hub.ImportOptions{Title: "The shell"}, bytes.NewReader(repository(t, files)))
	if err != nil || changed.Version != 2 || changed.Labs[0].State != hub.ImportChanged || changed.Labs[1].State != hub.ImportUnchanged {
		t.Errorf("changed: %+v, %v", changed, err)
	}

	_, err = api.User(t, hub.Instructor).ImportScenarios(t.Context(), hub.ImportOptions{}, bytes.NewReader(repository(t, files)))
	apitest.Code(t, err, hub.Conflict)
	if !strings.Contains(hub.MessageOf(err), "another slug") {
		t.Errorf("the other instructor is told %q", hub.MessageOf(err))
	}
	other := map[string]string{"new/index.json": files["files/index.json"], "new/1.md": "x"}
	_, err = author.ImportScenarios(t.Context(), hub.ImportOptions{}, bytes.NewReader(repository(t, other)))
	apitest.Code(t, err, hub.Conflict)
}

// An archive that took longer than the server has for other answers is answered.
func TestASlowArchiveIsAnswered(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	token := api.Token(t, api.User(t, hub.Instructor))
	srv := httptest.NewUnstartedServer(httpapi.New(api.App, api.App.Log))
	srv.Config.WriteTimeout = time.Nanosecond
	srv.Start()
	t.Cleanup(srv.Close)
	archive := string(repository(t, scenarios()))
	for _, headers := range [][]string{{"Content-Type", "application/gzip"}, {"Content-Type", "application/gzip", "Idempotency-Key", "slow"}} {
		got := send(t, &apitest.API{URL: srv.URL}, "POST", "/v1/author/imports?dry_run=true", token, archive, headers...)
		if got.status != http.StatusOK {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
}

// An account sends one archive at a time, with a key or without, and all
// accounts together only so many.
func TestArchivesAreTakenInAFewAtATime(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	archive := string(repository(t, scenarios()))
	direct := api.Direct(t)
	ask := func(token string, headers ...string) response {
		return send(t, &apitest.API{URL: direct}, "POST", "/v1/author/imports?dry_run=true", token, archive, append(headers, "Content-Type", "application/gzip")...)
	}
	tokens := make([]string, 5)
	var ends []func()
	patient := &http.Transport{ExpectContinueTimeout: time.Hour, DisableKeepAlives: true}
	for i := range tokens {
		tokens[i] = api.Token(t, api.User(t, hub.Instructor))
		if i == 4 {
			break
		}
		body, w := io.Pipe()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, direct+"/v1/author/imports?dry_run=true", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/gzip")
		req.Header.Set("Expect", "100-continue") // the body goes once the server reads it
		req.Header.Set("Authorization", "Bearer "+tokens[i])
		if i%2 == 1 {
			req.Header.Set("Idempotency-Key", "held")
		}
		over := make(chan int, 1)
		go func() {
			resp, err := patient.RoundTrip(req)
			if err != nil {
				over <- 0
				return
			}
			_ = resp.Body.Close()
			over <- resp.StatusCode
		}()
		if _, err := w.Write([]byte(archive[:1])); err != nil {
			t.Fatal(err)
		}
		for _, more := range [][]string{nil, {"Idempotency-Key", "other"}} {
			if got := ask(tokens[i], more...); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "of yours") {
				t.Errorf("a second one: %d %s", got.status, got.body)
			}
		}
		ends = append(ends, func() {
			_, _ = io.WriteString(w, archive[1:])
			_ = w.Close()
			if status := <-over; status != http.StatusOK {
				t.Errorf("the one that was held: %d", status)
			}
		})
	}
	for _, key := range []string{"", "another"} {
		headers := []string{}
		if key != "" {
			headers = append(headers, "Idempotency-Key", key)
		}
		if got := ask(tokens[4], headers...); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "5" {
			t.Errorf("one too many: %d %s", got.status, got.body)
		}
	}
	for _, end := range ends {
		end()
	}
	if got := ask(tokens[4]); got.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
}

// The API lists a learner's sessions at /labs/sessions.
func TestNoImportedLabIsCalledSessions(t *testing.T) {
	t.Parallel()
	author := apitest.New(t).User(t, hub.Instructor)
	one := map[string]string{"index.json": scenarios()["files/index.json"], "1.md": "x", "v.sh": "true"}
	for course, dir := range map[string]string{"": "", "a": "sessions/", "sessions": "sessions/"} {
		files := map[string]string{}
		for name, data := range one {
			files[dir+name] = data
		}
		if dir == "" {
			course = "sessions"
		}
		r, err := author.ImportScenarios(t.Context(), hub.ImportOptions{Slug: course, DryRun: true}, bytes.NewReader(repository(t, files)))
		if err != nil || len(r.Labs) != 1 || r.Labs[0].Slug == "sessions" {
			t.Errorf("%q in %q: %+v, %v", dir, course, r.Labs, err)
		}
	}
	one["lab.yaml"] = "slug: sessions\n"
	r, err := author.ImportScenarios(t.Context(), hub.ImportOptions{Slug: "mine", DryRun: true}, bytes.NewReader(repository(t, one)))
	if err != nil || len(r.Labs) != 0 || len(r.Rejected) != 1 || !strings.Contains(r.Rejected[0], "choose another") {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestImportsAreForAuthorsAndOfArchives(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	good := repository(t, scenarios())
	_, err := api.Guest().ImportScenarios(t.Context(), hub.ImportOptions{}, bytes.NewReader(good))
	apitest.Code(t, err, hub.Unauthenticated)
	_, err = api.User(t, hub.Premium).ImportScenarios(t.Context(), hub.ImportOptions{}, bytes.NewReader(good))
	apitest.Code(t, err, hub.Forbidden)

	author := api.User(t, hub.Instructor)
	_, err = author.ImportScenarios(t.Context(), hub.ImportOptions{Slug: "Not A Slug"}, bytes.NewReader(good))
	apitest.Code(t, err, hub.Invalid)
	_, err = author.ImportScenarios(t.Context(), hub.ImportOptions{}, strings.NewReader("no archive"))
	apitest.Code(t, err, hub.Invalid)
	_, err = author.ImportScenarios(t.Context(), hub.ImportOptions{}, bytes.NewReader(repository(t, map[string]string{"../../x": "y"})))
	apitest.Code(t, err, hub.Invalid)
	empty, err := author.ImportScenarios(t.Context(), hub.ImportOptions{}, bytes.NewReader(repository(t, map[string]string{"README": "y"})))
	if err != nil || len(empty.Labs) != 0 || empty.Course != "" {
		t.Errorf("a repository without scenarios: %+v, %v", empty, err)
	}

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, api.URL+"/v1/author/imports", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+api.Token(t, author))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("JSON is answered with %s", resp.Status)
	}
}
