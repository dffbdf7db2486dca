package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// The life of a key: made once, used within its scopes, seen in the list
// without itself, revoked.
func TestAPIKeys(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	c := api.User(t, hub.Free)
	ctx := t.Context()
	made, err := c.CreateAPIKey(ctx, hub.NewAPIKey{Name: "ci", Scopes: []hub.Scope{hub.ProgressRead, hub.AccountRead}, ExpiresIn: 3600})
	if err != nil || !strings.HasPrefix(made.Token, "cmh_") || made.LastUsedAt != nil {
		t.Fatalf("%+v, %v", made, err)
	}
	if left := time.Until(made.ExpiresAt); left <= 0 || left > time.Hour {
		t.Errorf("it lives %v", left)
	}
	key := client.New(api.URL, client.Token(made.Token))
	me, err := key.Profile(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if mine, err := c.Profile(ctx); err != nil || mine.ID != me.ID {
		t.Errorf("the key is %v's, %v", me.ID, err)
	}
	if _, err := key.Progress(ctx); err != nil {
		t.Error(err)
	}
	_, err = key.UpdateProfile(ctx, hub.ProfileUpdate{Profile: &hub.Profile{Bio: "x"}})
	apitest.Code(t, err, hub.Forbidden)
	if err == nil || !strings.Contains(err.Error(), "account:write") {
		t.Errorf("it doesn't say what lacks: %v", err)
	}
	_, err = key.CreateAPIKey(ctx, hub.NewAPIKey{Scopes: hub.Scopes[:1]})
	apitest.Code(t, err, hub.Forbidden)
	_, err = key.AddKey(ctx, hub.NewKey{PublicKey: "ssh-ed25519 AAAA"})
	apitest.Code(t, err, hub.Forbidden)

	list, err := c.APIKeys(ctx)
	if err != nil || len(list) != 1 || list[0].Name != "ci" || list[0].LastUsedAt == nil || !strings.HasPrefix(made.Token, list[0].Hint) {
		t.Errorf("%+v, %v", list, err)
	}
	raw := send(t, api, "GET", "/v1/users/tokens", api.Token(t, c), "")
	if strings.Contains(raw.body, made.Token) {
		t.Error("the list shows the key")
	}
	other := api.User(t, hub.Free)
	apitest.Code(t, other.RevokeAPIKey(ctx, made.ID), hub.NotFound)
	if err := c.RevokeAPIKey(ctx, "ci"); err != nil {
		t.Fatal(err)
	}
	_, err = key.Profile(ctx)
	apitest.Code(t, err, hub.Unauthenticated)
}

// Whoever reads the database has no key, and neither does an address or a log.
func TestAPIKeysAreSecret(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	api := apitest.New(t, func(a *app.App) { a.Log = lockedLog(&log) })
	c := api.User(t, hub.Free)
	made, err := c.CreateAPIKey(t.Context(), hub.NewAPIKey{Scopes: []hub.Scope{hub.AccountRead}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/users/profile?access_token=" + made.Token, "/v1/users/profile?token=" + made.Token, "/v1/users/profile?api_key=" + made.Token} {
		if got := send(t, api, "GET", path, "", ""); got.status != http.StatusUnauthorized {
			t.Errorf("in the address: %d", got.status)
		}
	}
	if got := send(t, api, "GET", "/v1/users/profile", made.Token, ""); got.status != http.StatusOK {
		t.Errorf("in the header: %d %s", got.status, got.body)
	}
	if strings.Contains(log.String(), made.Token) {
		t.Error("the log holds the key")
	}
	var tables []string
	rows, err := api.App.DB.Pool().Query(t.Context(), `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var n int
		q := fmt.Sprintf(`SELECT count(*) FROM %s x WHERE x::text LIKE '%%' || $1 || '%%'`, table)
		if err := api.App.DB.Pool().QueryRow(t.Context(), q, made.Token).Scan(&n); err != nil || n > 0 {
			t.Errorf("%s holds the key %d times, %v", table, n, err)
		}
	}
}

func TestAPIKeysThatCannotBe(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	c := api.User(t, hub.Instructor)
	for pointer, n := range map[string]hub.NewAPIKey{
		"/scopes":     {},
		"/scopes/1":   {Scopes: []hub.Scope{hub.LabsRun, "admin"}},
		"/scopes/0":   {Scopes: []hub.Scope{"everything"}},
		"/expires_in": {Scopes: []hub.Scope{hub.LabsRun}, ExpiresIn: 10},
		"/name":       {Scopes: []hub.Scope{hub.LabsRun}, Name: strings.Repeat("n", 101)},
	} {
		_, err := c.CreateAPIKey(t.Context(), n)
		apitest.Code(t, err, hub.Invalid)
		if e, ok := errors.AsType[*hub.Error](err); !ok || len(e.Fields) == 0 || e.Fields[0].Pointer != pointer {
			t.Errorf("%+v: %v", n, err)
		}
	}
	_, err := api.User(t, hub.Free).CreateAPIKey(t.Context(), hub.NewAPIKey{Scopes: []hub.Scope{hub.Authoring}})
	apitest.Code(t, err, hub.Invalid)
	if _, err := c.CreateAPIKey(t.Context(), hub.NewAPIKey{Scopes: []hub.Scope{hub.Authoring}}); err != nil {
		t.Errorf("an instructor's: %v", err)
	}
}

// A key ends when its time is up, and with its owner's account.
func TestAPIKeysEnd(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	api := apitest.New(t, func(a *app.App) { a.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
	api.Watch(t)
	c := api.User(t, hub.Free)
	made, err := c.CreateAPIKey(t.Context(), hub.NewAPIKey{Scopes: []hub.Scope{hub.AccountRead}, ExpiresIn: 120})
	if err != nil {
		t.Fatal(err)
	}
	later, err := c.CreateAPIKey(t.Context(), hub.NewAPIKey{Scopes: []hub.Scope{hub.AccountRead}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(token string) int { return send(t, api, "GET", "/v1/users/profile", token, "").status }
	if a, b := ask(made.Token), ask(later.Token); a != 200 || b != 200 {
		t.Fatalf("%d, %d", a, b)
	}
	ahead.Store(int64(2 * time.Minute))
	if a, b := ask(made.Token), ask(later.Token); a != 401 || b != 200 {
		t.Errorf("after two minutes: %d, %d", a, b)
	}
	if _, err := api.App.DB.Pool().Exec(t.Context(), `UPDATE users SET disabled_at = now() WHERE id = (SELECT user_id FROM api_keys LIMIT 1)`); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key of a disabled account is refused", func() bool { return ask(later.Token) == 401 })
}

// Asked for twice under one Idempotency-Key, there is one key, and it is told
// once.
func TestAPIKeysAreMadeOnce(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	token := api.Token(t, api.User(t, hub.Free))
	const body = `{"scopes":["labs:run"]}`
	first := send(t, api, "POST", "/v1/users/tokens", token, body, "Idempotency-Key", "one")
	again := send(t, api, "POST", "/v1/users/tokens", token, body, "Idempotency-Key", "one")
	if first.status != http.StatusCreated || again.status != http.StatusConflict || first.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d, then %d %s", first.status, again.status, again.body)
	}
	var list []hub.APIKey
	if err := json.Unmarshal([]byte(send(t, api, "GET", "/v1/users/tokens", token, "").body), &list); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

// What ends on one server has ended on the other: a sign-in, a key, a role.
func TestEndsAreHeardOnOtherServers(t *testing.T) {
	t.Parallel()
	here := apitest.New(t)
	there := here.Beside(t)
	here.Watch(t)
	there.Watch(t)
	ctx := t.Context()
	c := here.User(t, hub.Free)
	u, err := c.Profile(ctx)
	if err != nil {
		t.Fatal(err)
	}
	l, err := here.Guest().Login(ctx, hub.Credentials{Email: u.Email, Password: apitest.Password})
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.CreateAPIKey(ctx, hub.NewAPIKey{Scopes: []hub.Scope{hub.AccountRead}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(token string) response { return send(t, there, "GET", "/v1/users/profile", token, "") }
	for _, token := range []string{l.AccessToken, made.Token} {
		if got := ask(token); got.status != 200 {
			t.Fatalf("before: %d %s", got.status, got.body)
		}
	}
	bio := hub.Profile{Bio: "changed"}
	if _, err := c.UpdateProfile(ctx, hub.ProfileUpdate{Profile: &bio}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the profile is the new one", func() bool { return strings.Contains(ask(l.AccessToken).body, "changed") })
	if err := here.Guest().Logout(ctx, l.RefreshToken); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the sign-in has ended", func() bool { return ask(l.AccessToken).status == 401 })
	if got := ask(made.Token); got.status != 200 {
		t.Errorf("the key ended with it: %d", got.status)
	}
	if err := c.RevokeAPIKey(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key is revoked", func() bool { return ask(made.Token).status == 401 })
}
