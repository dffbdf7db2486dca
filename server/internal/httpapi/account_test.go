package httpapi_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

func TestRegisterLoginProfile(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	c := api.Guest()
	l, err := c.Register(t.Context(), hub.Registration{Email: "Ada@Example.com", Username: "ada", Password: "plenty of words"})
	if err != nil {
		t.Fatal(err)
	}
	if l.User.Role != hub.Free || l.TokenType != "Bearer" || l.ExpiresIn != 900 {
		t.Errorf("got %+v", l)
	}
	u, err := c.Profile(t.Context())
	if err != nil || u.Email != "Ada@Example.com" {
		t.Errorf("profile: %+v, %v", u, err)
	}
	for _, login := range []string{"ada@example.com", "ADA"} {
		if _, err := api.Guest().Login(t.Context(), hub.Credentials{Email: login, Password: "plenty of words"}); err != nil {
			t.Errorf("log in as %s: %v", login, err)
		}
	}
	_, err = api.Guest().Register(t.Context(), hub.Registration{Email: "ada@example.COM", Username: "other", Password: "plenty of words"})
	apitest.Code(t, err, hub.Conflict)
	_, err = api.Guest().Profile(t.Context())
	apitest.Code(t, err, hub.Unauthenticated)
}

func TestRegistrationSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	for name, tt := range map[string]struct {
		r    hub.Registration
		want string
	}{
		"email":    {hub.Registration{Email: "nobody", Username: "ada", Password: "plenty of words"}, "/email"},
		"username": {hub.Registration{Email: "a@example.com", Username: "a@b", Password: "plenty of words"}, "/username"},
		"short":    {hub.Registration{Email: "a@example.com", Username: "ada", Password: "seven77"}, "/password"},
		"long":     {hub.Registration{Email: "a@example.com", Username: "ada", Password: strings.Repeat("x", 129)}, "/password"},
		"common":   {hub.Registration{Email: "a@example.com", Username: "ada", Password: "Password123!"}, "/password"},
		"own name": {hub.Registration{Email: "a@example.com", Username: "adalovelace", Password: "adalovelace"}, "/password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := api.Guest().Register(t.Context(), tt.r)
			e, _ := err.(*hub.Error) //nolint:errorlint // the SDK returns it as it is
			if e == nil || e.Code != hub.Invalid || len(e.Fields) != 1 || e.Fields[0].Pointer != tt.want || e.RequestID == "" {
				t.Errorf("got %#v, want one error at %s", err, tt.want)
			}
		})
	}
}

// Any text is a password, and is verified exactly as it was set: also past the
// 72 bytes bcrypt reads, also with a NUL-like start.
func TestPasswordsAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	long := strings.Repeat("é", 64)
	for i, pw := range []string{long, "🦀🦀🦀🦀🦀🦀🦀🦀", "zQ7 vTk!", strings.Repeat("🦀", 64), "\ufeffpass\u202ephrase", "Ünïcode e\u0301", "  spaces around  ", strings.Repeat("Zq9", 42)} {
		name := "user" + string(rune('a'+i))
		if _, err := api.Guest().Register(t.Context(), hub.Registration{Email: name + "@example.com", Username: name, Password: pw}); err != nil {
			t.Errorf("register with %q: %v", pw, err)
			continue
		}
		if _, err := api.Guest().Login(t.Context(), hub.Credentials{Email: name, Password: pw}); err != nil {
			t.Errorf("log in with %q: %v", pw, err)
		}
		_, err := api.Guest().Login(t.Context(), hub.Credentials{Email: name, Password: pw[:len(pw)-1] + "?"})
		apitest.Code(t, err, hub.Unauthenticated)
	}
}

func TestUnknownAndWrongAreOneAnswer(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	u, err := api.User(t, hub.Free).Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]bool{}
	for _, login := range []string{u.Email, u.Username, "nobody@example.com"} {
		got := send(t, api, "POST", "/v1/auth/login", "", `{"email":"`+login+`","password":"not the password"}`)
		var p struct{ Status, Detail, Code any }
		if err := json.Unmarshal([]byte(got.body), &p); err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(p)
		answers[string(b)] = true
	}
	if len(answers) != 1 {
		t.Errorf("the answers tell accounts apart: %v", answers)
	}
}

func TestWrongPasswordsAreLimitedPerAccountAndSource(t *testing.T) {
	t.Parallel()
	var now clock
	api := apitest.New(t, now.use)
	u, err := api.User(t, hub.Free).Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bad := `{"email":"` + u.Email + `","password":"not the password"}`
	for i := range 10 {
		if got := send(t, api, "POST", "/v1/auth/login", "", bad, "X-Forwarded-For", "10.0.0."+string(rune('0'+i))); got.status != http.StatusUnauthorized {
			t.Fatalf("attempt %d: %d", i, got.status)
		}
	}
	got := send(t, api, "POST", "/v1/auth/login", "", bad, "X-Forwarded-For", "10.9.9.9")
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("the eleventh: %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	from := api.App.As(app.Guest).From("198.51.100.7")
	if _, err := from.Login(t.Context(), hub.Credentials{Email: u.Email, Password: apitest.Password}); err != nil {
		t.Errorf("the right password from elsewhere: %v", err)
	}
	now.add(time.Minute)
	if got := send(t, api, "POST", "/v1/auth/login", "", bad); got.status != http.StatusUnauthorized {
		t.Errorf("a minute later: %d", got.status)
	}
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	var now clock
	api := apitest.New(t, now.use)
	c := api.Guest()
	l, err := c.Register(t.Context(), hub.Registration{Email: "r@example.com", Username: "rota", Password: apitest.Password})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	got := make([]string, 20)
	for i := range got {
		wg.Go(func() {
			tok, err := api.Guest().Refresh(t.Context(), l.RefreshToken)
			if err != nil {
				t.Error(err)
			}
			got[i] = tok.RefreshToken
		})
	}
	wg.Wait()
	for _, g := range got {
		if g != got[0] || g == l.RefreshToken || g == "" {
			t.Fatalf("twenty at once got different successors: %v", got)
		}
	}
	elsewhere, err := api.Guest().Login(t.Context(), hub.Credentials{Email: "rota", Password: apitest.Password})
	if err != nil {
		t.Fatal(err)
	}
	now.add(11 * time.Second)
	latest, err := api.Guest().Refresh(t.Context(), got[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = api.Guest().Refresh(t.Context(), l.RefreshToken)
	apitest.Code(t, err, hub.Unauthenticated)
	for _, dead := range []string{got[0], latest.RefreshToken, l.RefreshToken} {
		_, err = api.Guest().Refresh(t.Context(), dead)
		apitest.Code(t, err, hub.Unauthenticated)
	}
	for _, dead := range []string{l.AccessToken, latest.AccessToken} {
		_, err = client.New(api.URL, client.Token(dead)).Profile(t.Context())
		apitest.Code(t, err, hub.Unauthenticated)
	}
	// It is told once, and the account's other sign-ins are none of the thief's.
	if n := happenings(t, api, "account.token_reused"); n != 1 {
		t.Errorf("%d entries in the audit log", n)
	}
	if _, err = api.Guest().Refresh(t.Context(), elsewhere.RefreshToken); err != nil {
		t.Errorf("another sign-in: %v", err)
	}
}

// happenings counts the entries of a kind in the audit log.
func happenings(t *testing.T, api *apitest.API, action string) (n int) {
	t.Helper()
	if err := api.App.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE action = $1`, action).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSignInEndsAfterThirtyDaysHoweverOftenRefreshed(t *testing.T) {
	t.Parallel()
	var now clock
	api := apitest.New(t, now.use)
	l, err := api.Guest().Register(t.Context(), hub.Registration{Email: "r@example.com", Username: "rota", Password: apitest.Password})
	if err != nil {
		t.Fatal(err)
	}
	tok := l.Tokens
	for day := range 29 {
		now.add(24 * time.Hour)
		if tok, err = api.Guest().Refresh(t.Context(), tok.RefreshToken); err != nil {
			t.Fatalf("day %d: %v", day, err)
		}
	}
	now.add(24*time.Hour + time.Second)
	_, err = api.Guest().Refresh(t.Context(), tok.RefreshToken)
	apitest.Code(t, err, hub.Unauthenticated)
}

func TestClientRenewsItsTokenByItself(t *testing.T) {
	t.Parallel()
	var now clock
	api := apitest.New(t, now.use)
	c := api.User(t, hub.Free)
	now.add(16 * time.Minute)
	if _, err := c.Profile(t.Context()); err != nil {
		t.Errorf("after the access token ran out: %v", err)
	}
}

func TestLogoutEndsTheSignIn(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	store := client.Memory(hub.Tokens{})
	c := client.New(api.URL, client.Store(store))
	l, err := c.Register(t.Context(), hub.Registration{Email: "o@example.com", Username: "out", Password: apitest.Password})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Profile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Logout(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if tok, _ := store.Load(t.Context()); tok.RefreshToken != "" {
		t.Error("the store still holds the token")
	}
	_, err = client.New(api.URL, client.Token(l.AccessToken)).Profile(t.Context())
	apitest.Code(t, err, hub.Unauthenticated)
	_, err = api.Guest().Refresh(t.Context(), l.RefreshToken)
	apitest.Code(t, err, hub.Unauthenticated)
	if err := api.Guest().Logout(t.Context(), "cmhr_unknown"); err != nil {
		t.Errorf("an unknown token is told apart: %v", err)
	}
}

func TestProfileUpdate(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	c := api.User(t, hub.Free)
	name := "grace"
	u, err := c.UpdateProfile(t.Context(), hub.ProfileUpdate{Username: &name, Profile: &hub.Profile{Bio: "two\nlines", Timezone: "America/St_Johns"}})
	if err != nil || u.Username != "grace" || u.Profile.Timezone != "America/St_Johns" {
		t.Errorf("got %+v, %v", u, err)
	}
	_, err = c.UpdateProfile(t.Context(), hub.ProfileUpdate{Profile: &hub.Profile{DisplayName: "\x1b]0;owned\a", Timezone: "Nowhere/At_All"}})
	apitest.Code(t, err, hub.Invalid)
	token := api.Token(t, c)
	for _, body := range []string{`{"role":"admin"}`, `{"profile":{"role":"admin"}}`, `{"subscription_tier":"premium"}`, `{"Username":"x"}`} {
		if got := send(t, api, "PUT", "/v1/users/profile", token, body); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if u, err := c.Profile(t.Context()); err != nil || u.Role != hub.Free {
		t.Errorf("role is now %s, %v", u.Role, err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	ada, bob := api.User(t, hub.Free), api.User(t, hub.Free)
	var key ssh.PublicKey
	for key == nil || !strings.Contains(ssh.FingerprintSHA256(key), "/") || !strings.Contains(ssh.FingerprintSHA256(key), "+") {
		pub, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if key, err = ssh.NewPublicKey(pub); err != nil {
			t.Fatal(err)
		}
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " ada@laptop"
	k, err := ada.AddKey(t.Context(), hub.NewKey{PublicKey: line})
	if err != nil || k.Name != "ada@laptop" || k.Fingerprint != ssh.FingerprintSHA256(key) {
		t.Fatalf("got %+v, %v", k, err)
	}
	_, mine := ada.AddKey(t.Context(), hub.NewKey{PublicKey: line})
	_, theirs := bob.AddKey(t.Context(), hub.NewKey{PublicKey: line})
	if hub.CodeOf(mine) != hub.Conflict || hub.MessageOf(mine) != hub.MessageOf(theirs) {
		t.Errorf("mine: %v, theirs: %v", mine, theirs)
	}
	me, _ := ada.Profile(t.Context())
	if u, err := api.App.UserByKey(t.Context(), k.Fingerprint); err != nil || u.ID != me.ID {
		t.Errorf("by key: %+v, %v", u, err)
	}
	if ks, err := ada.Keys(t.Context()); err != nil || len(ks) != 1 || ks[0].LastUsedAt == nil {
		t.Errorf("keys: %+v, %v", ks, err)
	}
	apitest.Code(t, bob.RemoveKey(t.Context(), k.ID), hub.NotFound)
	if err := ada.RemoveKey(t.Context(), k.Fingerprint); err != nil {
		t.Errorf("remove by fingerprint: %v", err)
	}
	_, err = api.App.UserByKey(t.Context(), k.Fingerprint)
	apitest.Code(t, err, hub.NotFound)
	for _, bad := range []string{
		"", "hello", "-----BEGIN OPENSSH PRIVATE KEY-----", `command="x" ` + line, line + "\n" + line,
		"ssh-dss AAAAB3NzaC1kc3MAAACBAP", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7",
	} {
		_, err := ada.AddKey(t.Context(), hub.NewKey{PublicKey: bad})
		apitest.Code(t, err, hub.Invalid)
	}
}

// clock is a time that a test moves.
type clock struct {
	mu   sync.Mutex
	past time.Duration
}

func (c *clock) use(a *app.App) { a.Now = c.now }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.past)
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.past += d
}

// Signing in costs so much that a crowd of it is turned away at once, politely.
func TestCrowdOfSignInsIsTurnedAway(t *testing.T) {
	t.Parallel()
	api := apitest.New(t, func(a *app.App) { a.PasswordCost = 11 })
	known := make([]string, 10)
	for i := range known {
		u, err := api.User(t, hub.Free).Profile(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		known[i] = u.Email
	}
	var wg, beside sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	crowd := make(chan struct{})
	beside.Go(func() { // what needs no password is answered all the while
		for n := 0; ; n++ {
			select {
			case <-crowd:
				return
			default:
			}
			if got := send(t, api, "GET", []string{"/v1/courses", "/v1/labs", "/healthz"}[n%3], "", ""); got.status != http.StatusOK {
				t.Errorf("beside the crowd: %d %s", got.status, got.body)
				return
			}
		}
	})
	for i := range 200 {
		wg.Go(func() {
			email := fmt.Sprintf("nobody%d@example.com", i)
			if i%2 == 0 {
				email = known[i/2%len(known)]
			}
			got := send(t, api, "POST", "/v1/auth/login", "", `{"email":"`+email+`","password":"not the password"}`)
			mu.Lock()
			defer mu.Unlock()
			answers[got.status]++
			if got.status != http.StatusUnauthorized && got.header.Get("Retry-After") == "" {
				t.Errorf("turned away without a word when to come back: %d", got.status)
			}
		})
	}
	wg.Wait()
	close(crowd)
	beside.Wait()
	if answers[503] == 0 || answers[401] == 0 || answers[401]+answers[503]+answers[429] != 200 {
		t.Errorf("answers: %v", answers)
	}
}

// What is stored of a password is a hash that costs what it should, whatever
// stands in the settings of a test; and what everybody tries first is refused.
func TestPasswordsAreKeptAsCostlyHashes(t *testing.T) {
	t.Parallel()
	api := apitest.New(t, func(a *app.App) { a.PasswordCost = 0 })
	_, l := register(t, api, "ada")
	var hash string
	if err := api.App.DB.Pool().QueryRow(t.Context(), `SELECT password_hash FROM users WHERE id::text = $1`, l.User.ID).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^\$2[aby]\$12\$`).MatchString(hash) {
		t.Errorf("stored as %.8s", hash)
	}
	inDatabase(t, api, apitest.Password, 0)
	for _, pw := range []string{
		"password", "12345678", "123456789", "1234567890", "qwertyuiop", "iloveyou", "sunshine", "princess", "football", "baseball", "trustno1", "superman", "starwars", "whatever", "computer",
		"11111111", "1q2w3e4r", "1qaz2wsx", "passw0rd", "P@ssw0rd", "Password1!", "letmein1", "welcome1", "dragon123", "monkey123", "charlie1", "corvette", "mercedes", "aaaaaaaa",
		"ada@example.org", "bertrand",
	} {
		_, err := api.Guest().Register(t.Context(), hub.Registration{Email: "ada@example.org", Username: "bertrand", Password: pw})
		if hub.CodeOf(err) != hub.Invalid {
			t.Errorf("%q: %v", pw, err)
		}
	}
	if list, err := os.Stat("../app/common.bin"); err != nil || list.Size() < 3000*5 {
		t.Errorf("the list of them: %v, %v", list, err)
	}
}
