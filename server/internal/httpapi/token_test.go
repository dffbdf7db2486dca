package httpapi_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/cloudmastershub/cmh/client/hub"
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
	kid := jwt.NewWithClaims(jwt.SigningMethodHS256, real)
	kid.Header["typ"], kid.Header["kid"] = "at+jwt", "../../dev/null"
	traversal, err := kid.SignedString([]byte{})
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"no algorithm":        make(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "at+jwt", nil),
		"none, written big":   base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"None","typ":"at+jwt"}`)) + "." + body + ".",
		"no signature":        head + "." + body + ".",
		"the public key":      make(jwt.SigningMethodHS256, []byte(public), "at+jwt", nil),
		"the same as DER":     make(jwt.SigningMethodHS256, der, "at+jwt", nil),
		"the same as PEM":     make(jwt.SigningMethodHS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "at+jwt", nil),
		"a key of its choice": traversal,
		"another purpose":     make(jwt.SigningMethodEdDSA, key, "JWT", nil),
		"no end":              make(jwt.SigningMethodEdDSA, key, "at+jwt", func(c jwt.MapClaims) { delete(c, "exp") }),
		"over":                make(jwt.SigningMethodEdDSA, key, "at+jwt", is("exp", now.Add(-61*time.Second).Unix())),
		"not yet":             make(jwt.SigningMethodEdDSA, key, "at+jwt", is("nbf", now.Add(2*time.Minute).Unix())),
		"made tomorrow":       make(jwt.SigningMethodEdDSA, key, "at+jwt", is("iat", now.Add(24*time.Hour).Unix())),
		"by somebody else":    make(jwt.SigningMethodEdDSA, key, "at+jwt", is("iss", "elsewhere")),
		"for somebody else":   make(jwt.SigningMethodEdDSA, key, "at+jwt", is("aud", "elsewhere")),
		"nobody's":            make(jwt.SigningMethodEdDSA, key, "at+jwt", is("sub", "0b1f3a52-9a30-4a5e-8a3f-8f1c2d3e4f50")),
		"of no sign-in":       make(jwt.SigningMethodEdDSA, key, "at+jwt", is("sid", "' or 1=1 --")),
		"a refresh token":     l.RefreshToken,
		"too long":            strings.Repeat("x", 5000),
	} {
		if got := send(t, api, "GET", "/v1/users/profile", token, ""); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	_, err = api.Guest().Refresh(t.Context(), l.AccessToken)
	apitest.Code(t, err, hub.Unauthenticated)
	if got := send(t, api, "GET", "/v1/users/profile?access_token="+l.AccessToken, "", ""); got.status != http.StatusUnauthorized {
		t.Errorf("in the address: %d", got.status)
	}
}
