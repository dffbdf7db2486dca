package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// askDevice asks for the tokens, and returns what OAuth calls the answer.
func askDevice(t *testing.T, api *apitest.API, d hub.DeviceCode) (string, response) {
	t.Helper()
	got := send(t, api, "POST", "/v1/auth/device/token", "", `{"device_code":"`+d.DeviceCode+`"}`)
	var p struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		t.Fatal(err)
	}
	if got.status == http.StatusOK {
		return "", got
	}
	if got.status != http.StatusBadRequest {
		t.Errorf("answered %d %s", got.status, got.body)
	}
	return p.Error, got
}

func TestDeviceSignsIn(t *testing.T) {
	t.Parallel()
	var now clock
	api := apitest.New(t, now.use)
	ada, _ := register(t, api, "ada")
	tv := client.New(api.URL, client.UserAgent("tv/1.0"))
	d, err := tv.BeginDevice(t.Context(), "")
	if err != nil || d.ExpiresIn != 600 || d.Interval != 5 || !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(d.UserCode) {
		t.Fatalf("got %+v, %v", d, err)
	}
	inDatabase(t, api, d.DeviceCode, 0)
	inDatabase(t, api, strings.ReplaceAll(d.UserCode, "-", ""), 0)

	if name, _ := askDevice(t, api, d); name != "authorization_pending" {
		t.Errorf("at first: %s", name)
	}
	if name, got := askDevice(t, api, d); name != "slow_down" || got.header.Get("Retry-After") != "10" {
		t.Errorf("at once: %s, Retry-After %s", name, got.header.Get("Retry-After"))
	}
	now.add(6 * time.Second)
	if name, _ := askDevice(t, api, d); name != "slow_down" {
		t.Errorf("before the longer pause is over: %s", name)
	}
	now.add(16 * time.Second)
	if name, _ := askDevice(t, api, d); name != "authorization_pending" {
		t.Errorf("after it: %s", name)
	}

	r, err := ada.DeviceRequest(t.Context(), strings.ToLower(d.UserCode))
	if err != nil || r.Client != "tv/1.0" || r.UserCode != d.UserCode {
		t.Errorf("who asks: %+v, %v", r, err)
	}
	apitest.Code(t, api.Guest().ApproveDevice(t.Context(), d.UserCode), hub.Unauthenticated)
	if err := ada.ApproveDevice(t.Context(), d.UserCode); err != nil {
		t.Fatal(err)
	}
	apitest.Code(t, ada.ApproveDevice(t.Context(), d.UserCode), hub.NotFound)
	now.add(16 * time.Second)
	name, got := askDevice(t, api, d)
	var l hub.Login
	if err := json.Unmarshal([]byte(got.body), &l); name != "" || err != nil || l.User.Username != "ada" || l.RefreshToken == "" {
		t.Fatalf("at last: %s %s, %v", name, got.body, err)
	}
	now.add(time.Minute)
	if name, _ := askDevice(t, api, d); name != "expired_token" {
		t.Errorf("again: %s", name)
	}
	all, err := ada.Sessions(t.Context())
	if err != nil || len(all) != 2 || all[0].Client != "tv/1.0" || all[0].Method != "device" {
		t.Errorf("sign-ins: %+v, %v", all, err)
	}
}

func TestDeviceCodesRunOutAndAreRefused(t *testing.T) {
	t.Parallel()
	var now clock
	api := apitest.New(t, now.use)
	ada, _ := register(t, api, "ada")
	begin := func() hub.DeviceCode {
		d, err := api.Guest().BeginDevice(t.Context(), "tv")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := begin()
	if err := ada.DenyDevice(t.Context(), d.UserCode); err != nil {
		t.Fatal(err)
	}
	if name, _ := askDevice(t, api, d); name != "access_denied" {
		t.Errorf("refused: %s", name)
	}
	d = begin()
	if err := ada.ApproveDevice(t.Context(), d.UserCode); err != nil {
		t.Fatal(err)
	}
	now.add(10*time.Minute + time.Second)
	if name, _ := askDevice(t, api, d); name != "expired_token" {
		t.Errorf("after ten minutes: %s", name)
	}
	d = begin()
	now.add(10*time.Minute + time.Second)
	apitest.Code(t, ada.ApproveDevice(t.Context(), d.UserCode), hub.NotFound)
	if name, _ := askDevice(t, api, hub.DeviceCode{DeviceCode: "cmhd_nobodys"}); name != "expired_token" {
		t.Errorf("unknown: %s", name)
	}
	if got := send(t, api, "POST", "/v1/auth/device/token", "", `{"device_code":"x","grant_type":"password"}`); !strings.Contains(got.body, `"unsupported_grant_type"`) && got.status != 400 {
		t.Errorf("another grant: %d %s", got.status, got.body)
	}

	// Codes can't be tried one after the other.
	var last error
	for range 12 {
		_, last = ada.DeviceRequest(t.Context(), "BBBB-BBBB")
	}
	apitest.Code(t, last, hub.Limit)
}

// Any OAuth library can sign in: here is one that isn't ours.
func TestAnotherLibrarySignsInByDevice(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	ada, _ := register(t, api, "ada")
	var ways struct {
		Issuer string `json:"issuer"`
		Device string `json:"device_authorization_endpoint"`
		Token  string `json:"token_endpoint"`
	}
	if got := send(t, api, "GET", "/.well-known/oauth-authorization-server", "", ""); json.Unmarshal([]byte(got.body), &ways) != nil || ways.Issuer != api.URL {
		t.Fatalf("how to sign in: %d %s", got.status, got.body)
	}
	cfg := oauth2.Config{ClientID: "another library", Endpoint: oauth2.Endpoint{
		DeviceAuthURL: ways.Device, TokenURL: ways.Token, AuthStyle: oauth2.AuthStyleInParams,
	}}
	d, err := cfg.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := ada.ApproveDevice(t.Context(), d.UserCode); err != nil {
		t.Fatal(err)
	}
	tok, err := cfg.DeviceAccessToken(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := client.New(api.URL, client.Token(tok.AccessToken)).Profile(t.Context()); err != nil || u.Username != "ada" {
		t.Errorf("got %+v, %v", u, err)
	}
	old := tok.RefreshToken
	tok.Expiry = time.Unix(1, 0)
	tok, err = cfg.TokenSource(t.Context(), tok).Token()
	if err != nil || tok.RefreshToken == old {
		t.Fatalf("renewed: %v", err)
	}
	if u, err := client.New(api.URL, client.Token(tok.AccessToken)).Profile(t.Context()); err != nil || u.Username != "ada" {
		t.Errorf("renewed: %+v, %v", u, err)
	}
	for form, want := range map[string]string{
		"grant_type=refresh_token&refresh_token=cmhr_none": "invalid_grant",
		"grant_type=refresh_token":                         "invalid_request",
		"client_id=tv":                                     "invalid_request",
		"grant_type=password&username=ada":                 "unsupported_grant_type",
	} {
		got := send(t, api, "POST", "/v1/auth/device/token", "", form, "Content-Type", "application/x-www-form-urlencoded")
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, `"error":"`+want+`"`) {
			t.Errorf("%s: %d %s", form, got.status, got.body)
		}
	}
	d2, err := cfg.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := ada.DenyDevice(t.Context(), d2.UserCode); err != nil {
		t.Fatal(err)
	}
	_, err = cfg.DeviceAccessToken(t.Context(), d2)
	if e, ok := err.(*oauth2.RetrieveError); !ok || e.ErrorCode != "access_denied" { //nolint:errorlint // the library returns it as it is
		t.Errorf("refused: %v", err)
	}
}

// post sends a form as a browser on a page of ours would.
func post(t *testing.T, api *apitest.API, path string, v url.Values, headers ...string) response {
	t.Helper()
	return send(t, api, "POST", path, "", v.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

func TestDeviceIsConfirmedInABrowser(t *testing.T) {
	t.Parallel()
	api := apitest.New(t, func(a *app.App) { a.PublicURL = "https://hub.example.com" })
	register(t, api, "ada")
	d, err := api.Guest().BeginDevice(t.Context(), `<script>alert("tv")</script>`)
	if err != nil || d.VerificationURIComplete != "https://hub.example.com/device?user_code="+d.UserCode {
		t.Fatalf("got %+v, %v", d, err)
	}
	got := send(t, api, "GET", "/device", "", "")
	policy := got.header.Get("Content-Security-Policy")
	if got.status != http.StatusOK || !strings.Contains(got.body, `name="user_code"`) || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script") ||
		got.header.Get("X-Frame-Options") != "DENY" || got.header.Get("Cache-Control") == "" {
		t.Errorf("%d, %v\n%s", got.status, got.header, got.body)
	}
	got = send(t, api, "GET", "/device?user_code="+d.UserCode, "", "")
	if strings.Contains(got.body, "<script") || !strings.Contains(got.body, "&lt;script&gt;") || !strings.Contains(got.body, `name="password"`) {
		t.Errorf("%s", got.body)
	}
	if got := send(t, api, "GET", "/device?user_code=BBBB-BBBB", "", ""); got.status != http.StatusNotFound || !strings.Contains(got.body, `role="alert"`) {
		t.Errorf("a wrong code: %d\n%s", got.status, got.body)
	}
	right := url.Values{"user_code": {d.UserCode}, "email": {"ada"}, "password": {apitest.Password}, "answer": {"approve"}}
	if got := post(t, api, "/device", right, "Sec-Fetch-Site", "cross-site"); got.status != http.StatusForbidden {
		t.Errorf("from another site: %d", got.status)
	}
	if got := post(t, api, "/device", url.Values{"user_code": {d.UserCode}, "email": {"ada"}, "password": {"a wrong one"}, "answer": {"approve"}}); got.status != http.StatusForbidden ||
		!strings.Contains(got.body, "password is wrong") || strings.Contains(got.body, "a wrong one") {
		t.Errorf("a wrong password: %d\n%s", got.status, got.body)
	}
	if got := post(t, api, "/device", right); got.status != http.StatusOK || !strings.Contains(got.body, "Signed in") || got.header.Get("Set-Cookie") != "" {
		t.Errorf("%d\n%s", got.status, got.body)
	}
	if name, _ := askDevice(t, api, d); name != "" {
		t.Errorf("the program: %s", name)
	}
}

func TestMailIsAnsweredInABrowser(t *testing.T) {
	t.Parallel()
	api, sink := mailing(t)
	ada, _ := register(t, api, "ada")
	token := mailed.FindString(sink.Wait(t).Text)
	// Whoever only opens the link, as programs that look at mail do, confirms nothing.
	if got := send(t, api, "GET", "/verify?token="+token, "", ""); got.status != http.StatusOK || !strings.Contains(got.body, token) {
		t.Errorf("%d\n%s", got.status, got.body)
	}
	if e, err := ada.Email(t.Context()); err != nil || e.Verified {
		t.Errorf("opened: %+v, %v", e, err)
	}
	if got := post(t, api, "/verify", url.Values{"token": {token}}); got.status != http.StatusOK {
		t.Errorf("%d\n%s", got.status, got.body)
	}
	if got := post(t, api, "/verify", url.Values{"token": {token}}); got.status != http.StatusBadRequest {
		t.Errorf("again: %d", got.status)
	}
	if e, err := ada.Email(t.Context()); err != nil || !e.Verified {
		t.Errorf("confirmed: %+v, %v", e, err)
	}
	if err := api.Guest().ForgotPassword(t.Context(), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	token = mailed.FindString(sink.Wait(t).Text)
	if got := send(t, api, "GET", "/reset?token="+token, "", ""); !strings.Contains(got.body, token) {
		t.Errorf("%d\n%s", got.status, got.body)
	}
	if got := post(t, api, "/reset", url.Values{"token": {token}, "new_password": {"another good one"}, "again": {"another one"}}); !strings.Contains(got.body, "differ") {
		t.Errorf("%d\n%s", got.status, got.body)
	}
	if got := post(t, api, "/reset", url.Values{"token": {token}, "new_password": {"another good one"}, "again": {"another good one"}}); got.status != http.StatusOK {
		t.Errorf("%d\n%s", got.status, got.body)
	}
	api2token(t, api, "ada", "another good one")
}
