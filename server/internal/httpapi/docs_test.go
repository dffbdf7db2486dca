package httpapi_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// The page shows the document that is served, and all that it loads is served
// beside it: its policy allows nothing else.
func TestThePageAboutTheAPI(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	page := send(t, api, "GET", "/v1/docs", "", "")
	policy := page.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy lacks %s: %s", part, policy)
		}
	}
	if page.status != http.StatusOK || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("%d, %s", page.status, policy)
	}
	assets := regexp.MustCompile(`"(docs/[^"]+)"`).FindAllStringSubmatch(page.body, -1)
	if len(assets) != 4 || regexp.MustCompile(`<script>|<style| on[a-z]+=|https?://`).MatchString(page.body) {
		t.Errorf("the page:\n%s", page.body)
	}
	for _, base := range []string{"/v1/", "/api/v1/"} {
		for _, a := range assets {
			got := send(t, api, "GET", base+a[1], "", "")
			if got.status != http.StatusOK || len(got.body) < 50 || !strings.Contains(got.header.Get("Cache-Control"), "immutable") || !strings.Contains(a[1], "?v=") {
				t.Errorf("%s: %d, %d bytes, %v", a[1], got.status, len(got.body), got.header)
			}
			if packed := send(t, api, "GET", base+a[1], "", "", "Accept-Encoding", "gzip"); len(got.body) >= 1024 && packed.header.Get("Content-Encoding") != "gzip" {
				t.Errorf("%s isn't packed: %v", a[1], packed.header)
			}
		}
	}
	if got := send(t, api, "GET", "/v1/docs/page.html", "", ""); got.status != http.StatusNotFound {
		t.Errorf("another file: %d", got.status)
	}

	asJSON := send(t, api, "GET", "/v1/openapi.json", "", "")
	served, err := openapi3.NewLoader().LoadFromData([]byte(asJSON.body))
	if err != nil {
		t.Fatal(err)
	}
	served.Servers = nil
	var want, got any
	for doc, v := range map[*openapi3.T]*any{served: &got, apitest.Document(t): &want} {
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, v); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("as YAML (-) and as JSON (+):\n%s", diff)
	}
}
