package httpapi_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// repeated are the POSTs that take no Idempotency-Key, and why a repetition does
// no harm.
var repeated = map[string]string{
	"POST /device":                    "a form of a page: a code is answered once",
	"POST /auth/oidc":                 "a form of a page: a code is answered once",
	"POST /verify":                    "a form of a page: a token works once",
	"POST /reset":                     "a form of a page: a token works once",
	"POST /v1/auth/register":          "answers with tokens; an address has one account",
	"POST /v1/auth/login":             "answers with tokens; another sign-in takes nothing from the first",
	"POST /v1/auth/refresh":           "answers with tokens; within ten seconds with the same ones",
	"POST /v1/auth/logout":            "what has ended has ended",
	"POST /v1/auth/device":            "answers with a secret; a code that nobody asks for runs out",
	"POST /v1/auth/device/token":      "answers with tokens; a code signs in once",
	"POST /v1/auth/forgot-password":   "asks for a message; nobody is signed in to keep an answer for",
	"POST /v1/auth/reset-password":    "a token works once",
	"POST /v1/auth/verify-email":      "a token works once",
	"POST /v1/labs/{lab}/certificate": "answers with what opens a lab, and changes nothing",
	"POST /v1/labs/{lab}/watch":       "answers with what opens a lab, and changes nothing",
}

// Each POST that has an effect takes an Idempotency-Key, as the document says of
// it: the same request again gets the same answer, another one 422.
func TestEveryPOSTHappensOnce(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	token := api.Token(t, api.User(t, hub.Admin))
	for path, item := range apitest.Document(t).Paths.Map() {
		op := item.Post
		if op == nil {
			continue
		}
		name := "POST " + path
		says := slices.ContainsFunc(op.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.Name == "Idempotency-Key" })
		if _, harmless := repeated[name]; harmless == says {
			t.Errorf("%s: in docs/openapi.yaml it takes an Idempotency-Key: %v; in once_test.go a repetition is harmless: %v", name, says, harmless)
			continue
		}
		if !says {
			continue
		}
		row, _ := access.Of(name)
		body, kind := `{"nothing":true}`, "application/json"
		if op.RequestBody != nil && op.RequestBody.Value.Content.Get("application/gzip") != nil {
			body, kind = "nothing", "application/gzip"
		}
		at := placeholder.ReplaceAllString(path, "00000000-0000-4000-8000-000000000000")
		key := rand.Text()
		first := send(t, api, "POST", at, token, body, "Idempotency-Key", key, "Content-Type", kind)
		again := send(t, api, "POST", at, token, body, "Idempotency-Key", key, "Content-Type", kind)
		other := send(t, api, "POST", at, token, body+" ", "Idempotency-Key", key, "Content-Type", kind)
		if first.status >= 500 || first.status == http.StatusUnauthorized {
			t.Errorf("%s (%v): %d %s", name, row.Who, first.status, first.body)
		}
		if again.header.Get("Idempotency-Replayed") != "true" || again.status != first.status || again.body != first.body {
			t.Errorf("%s again: %d %s\nat first: %d %s", name, again.status, again.body, first.status, first.body)
		}
		if other.status != http.StatusUnprocessableEntity || !strings.Contains(other.body, "another request") {
			t.Errorf("%s with another body: %d %s", name, other.status, other.body)
		}
	}
}

// An archive that is too large for memory is imported once, whatever its size,
// and known again by what it holds.
func TestALargeImportHappensOnce(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	token := api.Token(t, api.User(t, hub.Instructor))
	archive := func(name string) string {
		noise := make([]byte, 3<<20) // which can't be packed
		_, _ = rand.Read(noise)
		return packed(t, map[string]string{
			name + "/one/index.json":       `{"title":"One","details":{"steps":[{"title":"S","text":"step.md"}]},"backend":{"imageid":"ubuntu"}}`,
			name + "/one/step.md":          "Go.",
			name + "/one/assets/noise.bin": string(noise),
		})
	}
	one, other := archive("large"), archive("large")
	ask := func(body string) response {
		return send(t, api, "POST", "/v1/author/imports?slug=large", token, body, "Idempotency-Key", "once", "Content-Type", "application/gzip")
	}
	first := ask(one)
	if first.status != http.StatusOK || !strings.Contains(first.body, `"version":1`) {
		t.Fatalf("%d %s", first.status, first.body)
	}
	if again := ask(one); again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("again: %d %s", again.status, again.body)
	}
	if got := ask(other); got.status != http.StatusUnprocessableEntity {
		t.Errorf("another archive: %d %s", got.status, got.body)
	}
	got := send(t, &apitest.API{URL: api.Direct(t)}, "POST", "/v1/author/imports?slug=larger", token, strings.Repeat("x", 64<<20+1), "Idempotency-Key", "twice", "Content-Type", "application/gzip")
	if got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("more than is taken: %d %s", got.status, fmt.Sprintf("%.200s", got.body))
	}
}

// packed is a tar.gz of those files.
func packed(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
