package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/jobs"
	"github.com/cloudmastershub/cmh/server/internal/mail"
	"github.com/cloudmastershub/cmh/server/internal/mail/mailtest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/postgres/pgtest"
)

// mailing starts an API that sends mail, and the queue that does it.
func mailing(t *testing.T, changes ...func(*app.App)) (*apitest.API, *mailtest.Sink) {
	t.Helper()
	sink := mailtest.Start(t, false)
	s, err := mail.Open(sink.URL, "hub@example.com")
	if err != nil {
		t.Fatal(err)
	}
	api := apitest.New(t, append(changes, func(a *app.App) { a.Mail, a.PublicURL = s, "https://hub.example.com" })...)
	work(t, api)
	return api, sink
}

// work runs the job queue until the test ends.
func work(t *testing.T, api *apitest.API) {
	t.Helper()
	j, err := jobs.New(api.App, api.App.Log, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

var mailed = regexp.MustCompile(`cmh[vp]_[A-Za-z0-9_-]+`)

func register(t *testing.T, api *apitest.API, name string) (*client.Client, hub.Login) {
	t.Helper()
	c := api.Guest()
	l, err := c.Register(t.Context(), hub.Registration{Email: name + "@example.com", Username: name, Password: apitest.Password})
	if err != nil {
		t.Fatal(err)
	}
	return c, l
}

func TestEmailIsVerified(t *testing.T) {
	t.Parallel()
	api, sink := mailing(t)
	c, _ := register(t, api, "ada")
	m := sink.Wait(t)
	token := mailed.FindString(m.Text)
	if m.To != "ada@example.com" || !strings.Contains(m.Text, "https://hub.example.com/verify?token="+token) {
		t.Fatalf("got %+v", m)
	}
	if e, err := c.Email(t.Context()); err != nil || e.Verified {
		t.Errorf("before: %+v, %v", e, err)
	}
	if err := api.Guest().VerifyEmail(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if e, err := c.Email(t.Context()); err != nil || !e.Verified {
		t.Errorf("after: %+v, %v", e, err)
	}
	apitest.Code(t, api.Guest().VerifyEmail(t.Context(), token), hub.Invalid)
	apitest.Code(t, c.SendVerification(t.Context()), hub.Conflict)

	// Another address takes its place only when its owner says so.
	_, err := c.ChangeEmail(t.Context(), hub.EmailChange{Email: "lovelace@example.com", Password: "not the password"})
	apitest.Code(t, err, hub.Forbidden)
	e, err := c.ChangeEmail(t.Context(), hub.EmailChange{Email: "lovelace@example.com", Password: apitest.Password})
	if err != nil || e.Email != "ada@example.com" || e.Pending != "lovelace@example.com" {
		t.Fatalf("change: %+v, %v", e, err)
	}
	to := map[string]mailtest.Message{}
	for range 2 {
		m := sink.Wait(t)
		to[m.To] = m
	}
	if !strings.Contains(to["ada@example.com"].Subject, "Another e-mail address") {
		t.Errorf("the old address was not told: %+v", to)
	}
	if err := api.Guest().VerifyEmail(t.Context(), mailed.FindString(to["lovelace@example.com"].Text)); err != nil {
		t.Fatal(err)
	}
	if e, err := c.Email(t.Context()); err != nil || e.Email != "lovelace@example.com" || !e.Verified || e.Pending != "" {
		t.Errorf("at last: %+v, %v", e, err)
	}
}

// Nor does how long it takes tell who has an address: the database is asked for the
// same, for somebody, for them again, and for nobody.
func TestAskingForAResetIsTheSameWork(t *testing.T) {
	t.Parallel()
	var asked statements
	sink := mailtest.Start(t, false)
	m, err := mail.Open(sink.URL, "hub@example.com")
	if err != nil {
		t.Fatal(err)
	}
	api := apitest.New(t, func(a *app.App) { // whose queue nobody works: its statements would count, too
		a.Mail, a.DB = m, pgtest.Open(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = &asked })
	})
	register(t, api, "ada")
	cost := func(email string) int64 {
		before := asked.Load()
		if err := api.Guest().ForgotPassword(t.Context(), email); err != nil {
			t.Fatal(err)
		}
		return asked.Load() - before
	}
	nobody := cost("nobody@example.com")
	if first := cost("ada@example.com"); first != nobody {
		t.Errorf("for somebody %d statements, for nobody %d", first, nobody)
	}
	if again := cost("ada@example.com"); again != nobody {
		t.Errorf("once more for somebody %d statements, for nobody %d", again, nobody)
	}
}

func TestPasswordIsReset(t *testing.T) {
	t.Parallel()
	var now clock
	api, sink := mailing(t, now.use)
	c, l := register(t, api, "ada")
	sink.Wait(t)
	if _, err := c.AddKey(t.Context(), hub.NewKey{PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE6KbfwGrcsyJoPWyZcXN7oOhFpXlNZ6AQZ4Z8yBlHWe"}); err != nil {
		t.Fatal(err)
	}
	sink.Wait(t)

	// Whether anybody has an address is not told.
	known := send(t, api, "POST", "/v1/auth/forgot-password", "", `{"email":"Ada@example.com"}`)
	unknown := send(t, api, "POST", "/v1/auth/forgot-password", "", `{"email":"nobody@example.com"}`)
	if known.status != http.StatusNoContent || unknown.status != known.status || unknown.body != known.body {
		t.Errorf("told apart: %d and %d", known.status, unknown.status)
	}
	m := sink.Wait(t)
	token := mailed.FindString(m.Text)
	if m.To != "ada@example.com" || !strings.HasPrefix(token, "cmhp_") {
		t.Fatalf("got %+v", m)
	}
	inDatabase(t, api, token, 0)

	// A purpose is not another one, and a refused password uses nothing up.
	apitest.Code(t, api.Guest().VerifyEmail(t.Context(), token), hub.Invalid)
	_, err := client.New(api.URL, client.Token(token)).Profile(t.Context())
	apitest.Code(t, err, hub.Unauthenticated)
	apitest.Code(t, api.Guest().ResetPassword(t.Context(), hub.PasswordReset{Token: token, New: "password1"}), hub.Invalid)
	if err := api.Guest().ResetPassword(t.Context(), hub.PasswordReset{Token: token, New: "another good one"}); err != nil {
		t.Fatal(err)
	}
	apitest.Code(t, api.Guest().ResetPassword(t.Context(), hub.PasswordReset{Token: token, New: "yet another one"}), hub.Invalid)
	if m := sink.Wait(t); !strings.Contains(m.Subject, "password was changed") {
		t.Errorf("got %+v", m)
	}

	// Whoever was signed in no longer is.
	_, err = c.Profile(t.Context())
	apitest.Code(t, err, hub.Unauthenticated)
	_, err = api.Guest().Refresh(t.Context(), l.RefreshToken)
	apitest.Code(t, err, hub.Unauthenticated)
	_, err = api.Guest().Login(t.Context(), hub.Credentials{Email: "ada", Password: apitest.Password})
	apitest.Code(t, err, hub.Unauthenticated)
	l, err = api.Guest().Login(t.Context(), hub.Credentials{Email: "ada", Password: "another good one"})
	if err != nil {
		t.Fatalf("the new password: %v", err)
	}
	// Nor does a key sign in that was left there before anybody had read the mailbox.
	if keys, err := client.New(api.URL, client.Token(l.AccessToken)).Keys(t.Context()); err != nil || len(keys) > 0 {
		t.Errorf("keys: %v, %v", keys, err)
	}

	// It runs out.
	now.add(2 * time.Minute)
	if err := api.Guest().ForgotPassword(t.Context(), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	token = mailed.FindString(sink.Wait(t).Text)
	now.add(31 * time.Minute)
	apitest.Code(t, api.Guest().ResetPassword(t.Context(), hub.PasswordReset{Token: token, New: "yet another one"}), hub.Invalid)

	// Guesses are limited.
	var last response
	for range 12 {
		last = send(t, api, "POST", "/v1/auth/reset-password", "", `{"token":"cmhp_wrong","new_password":"yet another one"}`)
	}
	if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") == "" {
		t.Errorf("after twelve guesses: %d", last.status)
	}
}

// A message waits for a mail server that is busy.
func TestMailIsTriedAgain(t *testing.T) {
	t.Parallel()
	api, sink := mailing(t)
	sink.Refuse(1)
	register(t, api, "ada")
	if m := sink.Wait(t); m.To != "ada@example.com" {
		t.Errorf("got %+v", m)
	}
}

func TestWithoutMailTheHubSaysSo(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	c, _ := register(t, api, "ada")
	err := api.Guest().ForgotPassword(t.Context(), "ada@example.com")
	if hub.CodeOf(err) != hub.NotFound || !strings.Contains(hub.MessageOf(err), "admin reset-password") {
		t.Errorf("got %v", err)
	}
	apitest.Code(t, c.SendVerification(t.Context()), hub.NotFound)
	e, err := c.ChangeEmail(t.Context(), hub.EmailChange{Email: "lovelace@example.com", Password: apitest.Password})
	if err != nil || e.Email != "lovelace@example.com" || e.Verified || e.Pending != "" {
		t.Errorf("got %+v, %v", e, err)
	}
	if u, err := api.App.SetPassword(t.Context(), "ada", "set by the operator"); err != nil || u.Username != "ada" {
		t.Fatalf("by the operator: %+v, %v", u, err)
	}
	_, err = c.Profile(t.Context())
	apitest.Code(t, err, hub.Unauthenticated)
	if _, err := api.Guest().Login(t.Context(), hub.Credentials{Email: "ada", Password: "set by the operator"}); err != nil {
		t.Error(err)
	}
}

func TestPasswordIsChanged(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	here, _ := register(t, api, "ada")
	there := api.Guest()
	if _, err := there.Login(t.Context(), hub.Credentials{Email: "ada", Password: apitest.Password}); err != nil {
		t.Fatal(err)
	}
	apitest.Code(t, here.ChangePassword(t.Context(), hub.PasswordChange{Current: "not the password", New: "another good one"}), hub.Forbidden)
	apitest.Code(t, here.ChangePassword(t.Context(), hub.PasswordChange{Current: apitest.Password, New: "password1"}), hub.Invalid)
	if err := here.ChangePassword(t.Context(), hub.PasswordChange{Current: apitest.Password, New: "another good one"}); err != nil {
		t.Fatal(err)
	}
	if _, err := here.Profile(t.Context()); err != nil {
		t.Errorf("who changed it is out: %v", err)
	}
	_, err := there.Profile(t.Context())
	apitest.Code(t, err, hub.Unauthenticated)

	token := api2token(t, api, "ada", "another good one")
	var last response
	for range 12 {
		last = send(t, api, "PUT", "/v1/users/password", token, `{"current_password":"a guess at it","new_password":"another good one"}`)
	}
	if last.status != http.StatusTooManyRequests {
		t.Errorf("a stolen token guesses on: %d", last.status)
	}
}

func api2token(t *testing.T, api *apitest.API, login, password string) string {
	t.Helper()
	l, err := api.Guest().Login(t.Context(), hub.Credentials{Email: login, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return l.AccessToken
}

// Whoever had the account for a while keeps nothing of it by what they asked for:
// neither another address, nor a program that they let in.
func TestAnotherPasswordEndsWhatWaits(t *testing.T) {
	t.Parallel()
	api, sink := mailing(t)
	owner, l := register(t, api, "ada")
	sink.Wait(t)
	const lost = "set by the operator"
	for password, set := range map[string]func(old string) error{
		lost: func(string) error {
			_, err := api.App.SetPassword(t.Context(), "ada", lost)
			return err
		},
		"another good one": func(old string) error {
			return api.App.As(l.User).ChangePassword(t.Context(), hub.PasswordChange{Current: old, New: "another good one"})
		},
	} {
		thief := api.Guest()
		old := apitest.Password
		if _, err := thief.Login(t.Context(), hub.Credentials{Email: "ada", Password: old}); err != nil {
			t.Fatal(err)
		}
		if _, err := thief.ChangeEmail(t.Context(), hub.EmailChange{Email: "mallory@example.com", Password: old}); err != nil {
			t.Fatal(err)
		}
		var token string
		for range 2 {
			if m := sink.Wait(t); m.To == "mallory@example.com" {
				token = mailed.FindString(m.Text)
			}
		}
		d, err := api.Guest().BeginDevice(t.Context(), "tv")
		if err != nil {
			t.Fatal(err)
		}
		if err := thief.ApproveDevice(t.Context(), d.UserCode); err != nil {
			t.Fatal(err)
		}
		if err := set(old); err != nil {
			t.Fatal(err)
		}
		sink.Wait(t)
		apitest.Code(t, api.Guest().VerifyEmail(t.Context(), token), hub.Invalid)
		if e, err := api.App.As(l.User).Email(t.Context()); err != nil || e.Email != "ada@example.com" || e.Pending != "" {
			t.Errorf("%s: the address: %+v, %v", password, e, err)
		}
		if name, _ := askDevice(t, api, d); name != "expired_token" {
			t.Errorf("%s: the program: %q", password, name)
		}
		if _, err := api.App.SetPassword(t.Context(), "ada", apitest.Password); err != nil { // for the next round
			t.Fatal(err)
		}
		sink.Wait(t)
	}
	_, err := owner.Profile(t.Context())
	apitest.Code(t, err, hub.Unauthenticated)
}

// Whoever has an account learns which SSH keys open it, by what nobody can choose
// words for.
func TestMailTellsOfSSHKeys(t *testing.T) {
	t.Parallel()
	api, sink := mailing(t)
	c, l := register(t, api, "ada")
	sink.Wait(t)
	k, err := c.AddKey(t.Context(), hub.NewKey{Name: "Open evil.example at once", PublicKey: publicKey(t)})
	if err != nil {
		t.Fatal(err)
	}
	added := sink.Wait(t)
	if added.To != "ada@example.com" || !strings.Contains(added.Subject, "SSH key was added") || !strings.Contains(added.Text, k.Fingerprint) {
		t.Errorf("got %+v", added)
	}
	change := func() mailtest.Message {
		if _, err := api.App.SetPassword(t.Context(), "ada", "set by the operator"); err != nil {
			t.Fatal(err)
		}
		return sink.Wait(t)
	}
	changed := change()
	if !strings.Contains(changed.Text, k.Fingerprint) || strings.Contains(added.Text+changed.Text, "evil.example") {
		t.Errorf("got %q, then %q", added.Text, changed.Text)
	}
	if err := api.App.As(l.User).RemoveKey(t.Context(), k.ID); err != nil {
		t.Fatal(err)
	}
	if m := change(); strings.Contains(m.Text, "SSH") {
		t.Errorf("without a key: %q", m.Text)
	}
}

// What was sent to an address resets nothing once mail goes to another.
func TestResetIsForTheAddressThatItWasSentTo(t *testing.T) {
	t.Parallel()
	api, sink := mailing(t)
	_, l := register(t, api, "ada")
	sink.Wait(t)
	if err := api.Guest().ForgotPassword(t.Context(), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	token := mailed.FindString(sink.Wait(t).Text)
	err := api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
		return tx.SetEmail(ctx, l.User.ID, "lovelace@example.com", true, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	apitest.Code(t, api.Guest().ResetPassword(t.Context(), hub.PasswordReset{Token: token, New: "another good one"}), hub.Invalid)
	api2token(t, api, "ada", apitest.Password)
}

// API keys end with a password that was lost, not with one that is changed,
// whichever way its owner came.
func TestAPIKeysOutliveAChangedPassword(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	c, l := register(t, api, "ada")
	made, err := c.CreateAPIKey(t.Context(), hub.NewAPIKey{Scopes: []hub.Scope{hub.AccountRead}})
	if err != nil {
		t.Fatal(err)
	}
	overSSH := api.App.As(l.User)
	if err := overSSH.ChangePassword(t.Context(), hub.PasswordChange{Current: apitest.Password, New: "another good one"}); err != nil {
		t.Fatal(err)
	}
	if keys, err := overSSH.APIKeys(t.Context()); err != nil || len(keys) != 1 || keys[0].ID != made.ID {
		t.Errorf("after a change: %+v, %v", keys, err)
	}
	_, err = c.Profile(t.Context())
	apitest.Code(t, err, hub.Unauthenticated)
	if _, err := api.App.SetPassword(t.Context(), "ada", "set by the operator"); err != nil {
		t.Fatal(err)
	}
	if keys, err := overSSH.APIKeys(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("after a loss: %+v, %v", keys, err)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	ada, _ := register(t, api, "ada")
	bob, _ := register(t, api, "bob")
	phone := client.New(api.URL, client.UserAgent("phone\u202e 1.0"))
	if _, err := phone.Login(t.Context(), hub.Credentials{Email: "ada", Password: apitest.Password}); err != nil {
		t.Fatal(err)
	}
	all, err := ada.Sessions(t.Context())
	if err != nil || len(all) != 2 || all[0].Client != "phone 1.0" || all[0].Current || !all[1].Current || all[0].Method != "password" {
		t.Fatalf("got %+v, %v", all, err)
	}
	// Somebody else's, one that never was, and nonsense are the same.
	theirs := send(t, api, "DELETE", "/v1/users/sessions/"+all[0].ID, api.Token(t, bob), "")
	none := send(t, api, "DELETE", "/v1/users/sessions/0b1f3a52-9a30-4a5e-8a3f-8f1c2d3e4f50", api.Token(t, bob), "")
	if theirs.status != http.StatusNotFound || detail(t, theirs) != detail(t, none) {
		t.Errorf("theirs: %d %s, none: %d %s", theirs.status, theirs.body, none.status, none.body)
	}
	if err := ada.EndSession(t.Context(), all[0].ID); err != nil {
		t.Fatal(err)
	}
	_, err = phone.Profile(t.Context())
	apitest.Code(t, err, hub.Unauthenticated)
	for range 3 {
		if _, err := api.Guest().Login(t.Context(), hub.Credentials{Email: "ada", Password: apitest.Password}); err != nil {
			t.Fatal(err)
		}
	}
	d := beginDevice(t, api)
	if err := ada.ApproveDevice(t.Context(), d.UserCode); err != nil {
		t.Fatal(err)
	}
	if n, err := ada.EndOtherSessions(t.Context()); err != nil || n != 3 {
		t.Errorf("ended %d, %v", n, err)
	}
	if name, _ := askDevice(t, api, d); name != "expired_token" {
		t.Errorf("a program that was let in: %q", name)
	}
	if all, err = ada.Sessions(t.Context()); err != nil || len(all) != 1 || !all[0].Current {
		t.Errorf("left %+v, %v", all, err)
	}
}

func detail(t *testing.T, r response) string {
	t.Helper()
	var p struct {
		Detail string `json:"detail"`
	}
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		t.Fatal(err)
	}
	return p.Detail
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	c := api.User(t, hub.Free)
	if p, err := c.Preferences(t.Context()); err != nil || len(p) != 0 {
		t.Errorf("at first: %v, %v", p, err)
	}
	if _, err := c.SetPreferences(t.Context(), hub.Preferences{"theme": "dark", "panes": []any{1.0, true}}); err != nil {
		t.Fatal(err)
	}
	if p, err := c.Preferences(t.Context()); err != nil || p["theme"] != "dark" {
		t.Errorf("got %v, %v", p, err)
	}
	_, err := c.SetPreferences(t.Context(), hub.Preferences{"x": strings.Repeat("x", 17<<10)})
	apitest.Code(t, err, hub.Invalid)
	_, err = api.Guest().Preferences(t.Context())
	apitest.Code(t, err, hub.Unauthenticated)
}

// inDatabase counts the rows of all tables that hold a text somewhere, as a
// search of a dump would.
func inDatabase(t *testing.T, api *apitest.API, text string, want int) {
	t.Helper()
	err := api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
		rows, err := tx.Query(ctx, `SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()`)
		if err != nil {
			return err
		}
		var tables []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			tables = append(tables, name)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		found := 0
		for _, name := range tables {
			var n int
			if err := tx.QueryRow(ctx, `SELECT count(*) FROM `+name+` x WHERE strpos(lower(x::text), lower($1)) > 0`, text).Scan(&n); err != nil {
				return err
			}
			if n > 0 && want == 0 {
				t.Errorf("%q is in %d rows of %s", text, n, name)
			}
			found += n
		}
		if want > 0 && found == 0 {
			t.Errorf("%q is nowhere", text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
