// Package apitest runs the real API on a real Postgres for a test, and holds
// every request and every answer of the test to docs/openapi.yaml. What the
// answers should be is the test's business.
package apitest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/postgres/pgtest"
)

// API is a running API. It ends with its test.
type API struct {
	URL string
	App *app.App
}

// Password is the password of every user that User makes.
const Password = "correct horse battery"

// New starts the API. Each change is made to the App before.
func New(t testing.TB, changes ...func(*app.App)) *API {
	t.Helper()
	a := &app.App{DB: pgtest.Open(t), Log: slog.New(slog.DiscardHandler), Now: time.Now, PasswordCost: bcrypt.MinCost}
	return serve(t, a, changes)
}

// Beside starts another server on the same database, as a second process would
// be.
func (api *API) Beside(t testing.TB, changes ...func(*app.App)) *API {
	t.Helper()
	return serve(t, &app.App{DB: api.App.DB, Log: api.App.Log, Now: time.Now, PasswordCost: bcrypt.MinCost}, changes)
}

func serve(t testing.TB, a *app.App, changes []func(*app.App)) *API {
	t.Helper()
	for _, change := range changes {
		change(a)
	}
	srv := httptest.NewServer(contract(t, httpapi.New(a, a.Log)))
	t.Cleanup(srv.Close)
	return &API{URL: srv.URL, App: a}
}

// Watch lets the server hear what others change, until the test ends. It returns
// once it does.
func (api *API) Watch(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = api.App.Watch(ctx) // ends with ctx, without an error
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !api.App.Watching(); <-tick.C {
		if time.Since(began) > 3*time.Minute {
			t.Fatal("the server never began to listen")
		}
	}
}

// Guest returns a client that is not signed in.
func (api *API) Guest() *client.Client { return client.New(api.URL) }

// User makes an account with that role and returns a client signed in to it.
func (api *API) User(t testing.TB, role hub.Role) *client.Client {
	t.Helper()
	c := client.New(api.URL)
	name := "u" + strings.ToLower(rand.Text()[:12])
	l, err := c.Register(t.Context(), hub.Registration{Email: name + "@example.com", Username: name, Password: Password})
	if err != nil {
		t.Fatalf("register a %s: %v", role, err)
	}
	if role == hub.Free {
		return c
	}
	err = api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error { return tx.SetRole(ctx, l.User.ID, role) })
	if err != nil {
		t.Fatalf("make a %s: %v", role, err)
	}
	return c
}

// Direct starts the API once more, without the contract in between, which reads
// every body whole, and on connections such as the server's. It is for tests of
// half requests and of what goes over the wire.
func (api *API) Direct(t testing.TB) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(httpapi.New(api.App, api.App.Log))
	srv.Listener, srv.Config.ConnContext = httpapi.Gather(srv.Listener), httpapi.OnConn
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL
}

// Token returns an access token of c's user, for requests made by hand.
func (api *API) Token(t testing.TB, c *client.Client) string {
	t.Helper()
	u, err := c.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := api.Guest().Login(t.Context(), hub.Credentials{Email: u.Email, Password: Password})
	if err != nil {
		t.Fatal(err)
	}
	return l.AccessToken
}

// Code fails the test unless err carries that code; "" means no error.
func Code(t testing.TB, err error, want hub.Code) {
	t.Helper()
	if got := hub.CodeOf(err); got != want {
		t.Errorf("got code %q (%v), want %q", got, err, want)
	}
}
