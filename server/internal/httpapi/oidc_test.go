package httpapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/oidc"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// federated starts an API and, beside it, a provider that isn't ours, which
// knows ada (whose address it has confirmed) and mallory (who claims to have
// ada's).
func federated(t *testing.T) *apitest.API {
	t.Helper()
	api := apitest.New(t)
	api.App.PublicURL = api.URL
	people := filepath.Join(t.TempDir(), "people.json")
	b, err := json.Marshal(map[string]storage.User{
		"1": {ID: "1", Username: "ada", Password: "adas secret", Email: "ada@example.com", EmailVerified: true},
		"2": {ID: "2", Username: "mallory", Password: "mallorys secret", Email: "ada@example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(people, b, 0o600); err != nil {
		t.Fatal(err)
	}
	users, err := storage.StoreFromFile(people)
	if err != nil {
		t.Fatal(err)
	}
	callback := api.URL + "/auth/oidc/callback"
	srv := httptest.NewUnstartedServer(nil)
	issuer := "http://" + srv.Listener.Addr().String()
	srv.Config.Handler = exampleop.SetupServer(issuer, storage.NewStorageWithClients(users, clientsOf(callback)), nil, false, op.WithAllowInsecure())
	srv.Start()
	t.Cleanup(srv.Close)
	api.App.OIDC = oidc.New(oidc.Config{Name: "Example", Issuer: issuer, ClientID: "hub", ClientSecret: "the hub's secret", RedirectURL: callback})
	return api
}

func clientsOf(callback string) map[string]*storage.Client {
	return map[string]*storage.Client{"hub": storage.WebClient("hub", "the hub's secret", callback)}
}

// browser is somebody's browser: it keeps cookies and follows links.
type browser struct {
	*http.Client
	t *testing.T
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return browser{&http.Client{Jar: jar, Timeout: time.Minute}, t}
}

func (b browser) read(resp *http.Response, err error) (int, string, *url.URL) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Request.URL
}

func (b browser) get(address string) (int, string, *url.URL) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.read(b.Do(req))
}

func (b browser) post(address string, v url.Values) (int, string, *url.URL) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, strings.NewReader(v.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.read(b.Do(req))
}

var requestID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signInElsewhere goes from our page to the provider's, signs in there, and
// returns what our page says in the end.
func (b browser) signInElsewhere(api *apitest.API, code, name string) (int, string, *url.URL) {
	b.t.Helper()
	status, body, at := b.get(api.URL + "/auth/oidc?user_code=" + code)
	id := requestID.FindStringSubmatch(body)
	if status != http.StatusOK || id == nil {
		b.t.Fatalf("at %s: %d\n%s", at, status, body)
	}
	return b.post(at.ResolveReference(&url.URL{Path: "/login/username"}).String(), url.Values{"id": {id[1]}, "username": {name}, "password": {name + "s secret"}})
}

func beginDevice(t *testing.T, api *apitest.API) hub.DeviceCode {
	t.Helper()
	d, err := api.Guest().BeginDevice(t.Context(), "tv")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSignInElsewhereMakesAnAccount(t *testing.T) {
	t.Parallel()
	api := federated(t)
	d := beginDevice(t, api)
	if got := send(t, api, "GET", "/device?user_code="+d.UserCode, "", ""); !strings.Contains(got.body, "Sign in with Example") {
		t.Errorf("the page doesn't offer it:\n%s", got.body)
	}
	b := newBrowser(t)
	status, body, at := b.signInElsewhere(api, d.UserCode, "ada")
	if status != http.StatusOK || at.Path != "/auth/oidc/callback" || !strings.Contains(body, "You are ada (ada@example.com)") {
		t.Fatalf("at %s: %d\n%s", at, status, body)
	}
	if name, _ := askDevice(t, api, d); name != "authorization_pending" {
		t.Errorf("signed in without a word: %q", name)
	}
	// A link that is opened again, or in another browser, leads nowhere.
	if status, body, _ := b.get(at.String()); status != http.StatusBadRequest {
		t.Errorf("the same link again: %d\n%s", status, body)
	}
	if status, _, _ := newBrowser(t).get(at.String()); status != http.StatusBadRequest {
		t.Errorf("in another browser: %d", status)
	}
	if status, _, _ := newBrowser(t).post(api.URL+"/auth/oidc", url.Values{"answer": {"approve"}}); status != http.StatusBadRequest {
		t.Errorf("somebody else's word: %d", status)
	}

	d = beginDevice(t, api)
	b.signInElsewhere(api, d.UserCode, "ada")
	if status, body, _ := b.post(api.URL+"/auth/oidc", url.Values{"answer": {"approve"}}); status != http.StatusOK || !strings.Contains(body, "Signed in") {
		t.Fatalf("%d\n%s", status, body)
	}
	name, got := askDevice(t, api, d)
	var l hub.Login
	if err := json.Unmarshal([]byte(got.body), &l); name != "" || err != nil || l.User.Username != "ada" || l.User.Role != hub.Free {
		t.Fatalf("%s %s, %v", name, got.body, err)
	}
	if e, err := api.App.As(l.User).Email(t.Context()); err != nil || !e.Verified {
		t.Errorf("the address: %+v, %v", e, err)
	}
	// There is no password to be guessed.
	_, err := api.Guest().Login(t.Context(), hub.Credentials{Email: "ada", Password: "adas secret"})
	apitest.Code(t, err, hub.Unauthenticated)

	// A word that was kept back is worth nothing after another password.
	d = beginDevice(t, api)
	b.signInElsewhere(api, d.UserCode, "ada")
	if _, err := api.App.SetPassword(t.Context(), "ada", "set by the operator"); err != nil {
		t.Fatal(err)
	}
	if status, body, _ := b.post(api.URL+"/auth/oidc", url.Values{"answer": {"approve"}}); status != http.StatusBadRequest {
		t.Errorf("after another password: %d\n%s", status, body)
	}

	// The next time it is the same account, and whoever only claims the address
	// is nobody.
	d = beginDevice(t, api)
	if _, body, _ := newBrowser(t).signInElsewhere(api, d.UserCode, "ada"); !strings.Contains(body, "You are ada (") {
		t.Errorf("again:\n%s", body)
	}
	if status, body, _ := newBrowser(t).signInElsewhere(api, d.UserCode, "mallory"); status != http.StatusForbidden || !strings.Contains(body, "has not confirmed your e-mail address") {
		t.Errorf("mallory: %d\n%s", status, body)
	}
}

func TestIdentitiesAreLinkedByConfirmedAddressesOnly(t *testing.T) {
	t.Parallel()
	api := federated(t)
	_, l := register(t, api, "ada") // somebody has registered ada's address here
	d := beginDevice(t, api)
	status, body, _ := newBrowser(t).signInElsewhere(api, d.UserCode, "ada")
	if status != http.StatusForbidden || !strings.Contains(body, "has not confirmed it") {
		t.Errorf("joined an account of whoever: %d\n%s", status, body)
	}
	confirm := func() {
		err := api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
			return tx.SetEmail(ctx, l.User.ID, "ada@example.com", true, time.Now())
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	confirm()
	if status, body, _ := newBrowser(t).signInElsewhere(api, d.UserCode, "mallory"); status != http.StatusForbidden {
		t.Errorf("mallory: %d\n%s", status, body)
	}
	b := newBrowser(t)
	if _, body, _ := b.signInElsewhere(api, d.UserCode, "ada"); !strings.Contains(body, "You are ada (") {
		t.Fatalf("%s", body)
	}
	if status, _, _ := b.post(api.URL+"/auth/oidc", url.Values{"answer": {"deny"}}); status != http.StatusOK {
		t.Errorf("refused: %d", status)
	}
	if name, _ := askDevice(t, api, d); name != "access_denied" {
		t.Errorf("refused: %s", name)
	}
	// Whose identity it is doesn't change with the address.
	err := api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
		return tx.SetEmail(ctx, l.User.ID, "lovelace@example.com", true, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	d = beginDevice(t, api)
	if _, body, _ := newBrowser(t).signInElsewhere(api, d.UserCode, "ada"); !strings.Contains(body, "You are ada (lovelace@example.com)") {
		t.Errorf("%s", body)
	}
}

func TestWithoutAProviderNobodyElseIsAsked(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	d := beginDevice(t, api)
	if got := send(t, api, "GET", "/auth/oidc?user_code="+d.UserCode, "", ""); got.status != http.StatusNotFound {
		t.Errorf("%d\n%s", got.status, got.body)
	}
	away := apitest.New(t, func(a *app.App) {
		a.OIDC = oidc.New(oidc.Config{Name: "Away", Issuer: "http://127.0.0.1:1", ClientID: "hub"})
	})
	d = beginDevice(t, away)
	if got := send(t, away, "GET", "/auth/oidc?user_code="+d.UserCode, "", ""); got.status != http.StatusServiceUnavailable || strings.Contains(got.body, "127.0.0.1") {
		t.Errorf("%d\n%s", got.status, got.body)
	}
}
