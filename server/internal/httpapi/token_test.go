package httpapi_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// signer reads the key of access tokens, as somebody could who has the database.
func signer(t *testing.T, api *apitest.API) ed25519.PrivateKey {
	t.Helper()
	var seed []byte
	err := api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) (err error) {
		seed, err = tx.Secret(ctx, "access-token-ed25519", []byte{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ed25519.NewKeyFromSeed(seed)
}

// A token is one of ours, made for this, and of now; whatever else it says it is.
func TestTokensThatAreNone(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	l, err := api.Guest().Register(t.Context(), hub.Registration{Email: "a@example.com", Username: "ada", Password: apitest.Password})
	if err != nil {
		t.Fatal(err)
	}
	key := signer(t, api)
	public := key.Public().(ed25519.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	var real jwt.MapClaims
	if _, _, err := jwt.NewParser().ParseUnverified(l.AccessToken, &real); err != nil {
		t.Fatal(err)
	}
	make := func(method jwt.SigningMethod, with any, typ string, change func(jwt.MapClaims)) string {
		c := jwt.MapClaims{}
		for k, v := range real {
			c[k] = v
		}
		if change != nil {
			change(c)
		}
		tok := jwt.NewWithClaims(method, c)
		tok.Header["typ"] = typ
		s, err := tok.SignedString(with)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	is := func(claim string, v any) func(jwt.MapClaims) { return func(c jwt.MapClaims) { c[claim] = v } }
	now := time.Now()
	if got := send(t, api, "GET", "/v1/users/profile", make(jwt.SigningMethodEdDSA, key, "at+jwt", nil), ""); got.status != http.StatusOK {
		t.Fatalf("the way it is done doesn't work: %d %s", got.status, got.body)
	}
	head, rest, _ := strings.Cut(l.AccessToken, ".")
	body, _, _ := strings.Cut(rest, ".")
	// Whoever says where the key is, or which one, is not asked.
	var fetched atomic.Int64
	keys := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	t.Cleanup(keys.Close)
	foreign, theirs, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(foreign)}
	headed := func(method jwt.SigningMethod, with any, header string, value any) string {
		tok := jwt.NewWithClaims(method, real)
		tok.Header["typ"], tok.Header[header] = "at+jwt", value
		s, err := tok.SignedString(with)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	forged := map[string]string{
		"no algorithm":      make(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "at+jwt", nil),
		"none, written big": base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"None","typ":"at+jwt"}`)) + "." + body + ".",
		"no signature":      head + "." + body + ".",
		"the public key":    make(jwt.SigningMethodHS256, []byte(public), "at+jwt", nil),
		"the same as DER":   make(jwt.SigningMethodHS256, der, "at+jwt", nil),
		"the same as PEM":   make(jwt.SigningMethodHS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "at+jwt", nil),
		"the same as a JWK": make(jwt.SigningMethodHS256, []byte(base64.RawURLEncoding.EncodeToString(public)), "at+jwt", nil),
		"an empty file":     headed(jwt.SigningMethodHS256, []byte{}, "kid", "../../dev/null"),
		"a key by its path": headed(jwt.SigningMethodEdDSA, theirs, "kid", "../../../etc/ssl/key.pem"),
		"a key by SQL":      headed(jwt.SigningMethodEdDSA, theirs, "kid", "' or 1=1"),
		"its own key":       headed(jwt.SigningMethodEdDSA, theirs, "jwk", jwk),
		"a key elsewhere":   headed(jwt.SigningMethodEdDSA, theirs, "jku", keys.URL+"/jwks.json"),
		"a chain elsewhere": headed(jwt.SigningMethodEdDSA, theirs, "x5u", keys.URL+"/chain.pem"),
		"somebody's key":    make(jwt.SigningMethodEdDSA, theirs, "at+jwt", nil),
		"another purpose":   make(jwt.SigningMethodEdDSA, key, "JWT", nil),
		"no end":            make(jwt.SigningMethodEdDSA, key, "at+jwt", func(c jwt.MapClaims) { delete(c, "exp") }),
		"over":              make(jwt.SigningMethodEdDSA, key, "at+jwt", is("exp", now.Add(-61*time.Second).Unix())),
		"not yet":           make(jwt.SigningMethodEdDSA, key, "at+jwt", is("nbf", now.Add(2*time.Minute).Unix())),
		"made tomorrow":     make(jwt.SigningMethodEdDSA, key, "at+jwt", is("iat", now.Add(24*time.Hour).Unix())),
		"by somebody else":  make(jwt.SigningMethodEdDSA, key, "at+jwt", is("iss", "elsewhere")),
		"for somebody else": make(jwt.SigningMethodEdDSA, key, "at+jwt", is("aud", "elsewhere")),
		"a refresh token":   l.RefreshToken,
		"too long":          strings.Repeat("x", 5000),
	}
	refused := func(name, token string) {
		t.Helper()
		if got := send(t, api, "GET", "/v1/users/profile", token, ""); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	for name, token := range forged {
		refused(name, token)
	}
	refused("nobody's", make(jwt.SigningMethodEdDSA, key, "at+jwt", is("sub", "0b1f3a52-9a30-4a5e-8a3f-8f1c2d3e4f50")))
	refused("of no sign-in", make(jwt.SigningMethodEdDSA, key, "at+jwt", is("sid", "' or 1=1 --")))
	_, err = api.Guest().Refresh(t.Context(), l.AccessToken)
	apitest.Code(t, err, hub.Unauthenticated)
	if got := send(t, api, "GET", "/v1/users/profile?access_token="+l.AccessToken, "", ""); got.status != http.StatusUnauthorized {
		t.Errorf("in the address: %d", got.status)
	}

	// A forgery costs no question to the database, let alone a stranger's key.
	api.App.DB.Pool().Close()
	for name, token := range forged {
		refused(name+", without a database", token)
	}
	if n := fetched.Load(); n > 0 {
		t.Errorf("the server went to fetch keys, %d times", n)
	}
}

// An access token is good for a quarter of an hour, and never outlives its
// sign-in.
func TestAccessTokensLiveFifteenMinutes(t *testing.T) {
	t.Parallel()
	var now clock
	api := apitest.New(t, now.use)
	_, l := register(t, api, "ada")
	ask := func(token string) int { return send(t, api, "GET", "/v1/users/profile", token, "").status }
	now.add(895 * time.Second)
	if got := ask(l.AccessToken); got != http.StatusOK {
		t.Errorf("after 895 s: %d", got)
	}
	now.add(10 * time.Second)
	if got := ask(l.AccessToken); got != http.StatusUnauthorized {
		t.Errorf("after 905 s: %d", got)
	}
	now.add(30*24*time.Hour - 20*time.Minute)
	tok, err := api.Guest().Refresh(t.Context(), l.RefreshToken)
	if err != nil || tok.ExpiresIn >= 300 || tok.ExpiresIn <= 0 {
		t.Fatalf("five minutes before the end: %+v, %v", tok, err)
	}
	now.add(5 * time.Minute)
	if got := ask(tok.AccessToken); got != http.StatusUnauthorized {
		t.Errorf("after thirty days: %d", got)
	}
}

// What a connection remembers is no more than what was shown on it: a proxy brings
// many people on one, sign-ins end, tokens expire, and a forged one may differ in
// a letter.
func TestOneConnectionForMany(t *testing.T) {
	t.Parallel()
	var now clock
	api := apitest.New(t, now.use)
	api.Watch(t)
	_, ada := register(t, api, "ada")
	bobs, bob := register(t, api, "bob")
	dials := 0
	transport := &http.Transport{MaxConnsPerHost: 1, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials++
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	at := api.Direct(t)
	ask := func(token string, status int, says string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/v1/users/profile", nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status || !strings.Contains(string(body), says) {
			t.Errorf("%d %s, want %d and %s: %v", resp.StatusCode, body, status, says, err)
		}
	}
	for range 3 {
		ask(ada.AccessToken, http.StatusOK, `"ada"`)
		ask(bob.AccessToken, http.StatusOK, `"bob"`)
		ask(bob.AccessToken, http.StatusOK, `"bob"`)
		ask("", http.StatusUnauthorized, "")
		ask(bob.AccessToken[:len(bob.AccessToken)-3]+"AAA", http.StatusUnauthorized, "")
		ask(bob.AccessToken, http.StatusOK, `"bob"`)
	}
	if err := bobs.Logout(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	ask(bob.AccessToken, http.StatusUnauthorized, "")
	ask(ada.AccessToken, http.StatusOK, `"ada"`)
	now.add(16 * time.Minute)
	ask(ada.AccessToken, http.StatusUnauthorized, "")
	if dials != 1 {
		t.Errorf("it took %d connections: nothing was tested", dials)
	}
}

// Everything that is a secret of somebody's opens the one door that it is for.
func TestTokensOpenOneDoor(t *testing.T) {
	t.Parallel()
	api, sink := mailing(t, func(a *app.App) { a.TrustedProxies = []string{"127.0.0.0/8"} })
	ada, l := register(t, api, "ada")
	verify := mailed.FindString(sink.Wait(t).Text)
	if err := api.Guest().ForgotPassword(t.Context(), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	reset := mailed.FindString(sink.Wait(t).Text)
	made, err := ada.CreateAPIKey(t.Context(), hub.NewAPIKey{Scopes: hub.Scopes[:1]})
	if err != nil {
		t.Fatal(err)
	}
	d, err := api.Guest().BeginDevice(t.Context(), "tv")
	if err != nil {
		t.Fatal(err)
	}
	if err := ada.ApproveDevice(t.Context(), d.UserCode); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for kind, token := range map[string]string{
		"access": l.AccessToken, "refresh": l.RefreshToken, "verify": verify, "reset": reset, "device": d.DeviceCode, "user code": d.UserCode, "API key": made.Token,
	} {
		for door, ask := range map[string]func(from string) response{
			"access": func(from string) response {
				return send(t, api, "GET", "/v1/users/sessions", token, "", "X-Forwarded-For", from)
			},
			"refresh": func(from string) response {
				return send(t, api, "POST", "/v1/auth/refresh", "", `{"refresh_token":"`+token+`"}`, "X-Forwarded-For", from)
			},
			"verify": func(from string) response {
				return send(t, api, "POST", "/v1/auth/verify-email", "", `{"token":"`+token+`"}`, "X-Forwarded-For", from)
			},
			"reset": func(from string) response {
				return send(t, api, "POST", "/v1/auth/reset-password", "", `{"token":"`+token+`","new_password":"another good one"}`, "X-Forwarded-For", from)
			},
			"device": func(from string) response {
				return send(t, api, "POST", "/v1/auth/device/token", "", `{"device_code":"`+token+`"}`, "X-Forwarded-For", from)
			},
		} {
			if kind == door {
				continue
			}
			asked++ // each from another address, or only the first few would be read
			got := ask(fmt.Sprintf("198.51.100.%d", asked))
			if got.status != http.StatusUnauthorized && got.status != http.StatusBadRequest && got.status != http.StatusUnprocessableEntity &&
				(kind != "API key" || door != "access" || got.status != http.StatusForbidden) {
				t.Errorf("%s as %s: %d %s", kind, door, got.status, got.body)
			}
		}
	}
	// Nor was any of them used up.
	if _, err := api.Guest().Refresh(t.Context(), l.RefreshToken); err != nil {
		t.Error(err)
	}
	if err := api.Guest().VerifyEmail(t.Context(), verify); err != nil {
		t.Error(err)
	}
	if name, _ := askDevice(t, api, d); name != "" {
		t.Errorf("the device code: %s", name)
	}
	if err := api.Guest().ResetPassword(t.Context(), hub.PasswordReset{Token: reset, New: "another good one"}); err != nil {
		t.Error(err)
	}
}
