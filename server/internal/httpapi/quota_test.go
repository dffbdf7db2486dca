package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

func allow(l app.Limits) func(*app.App) { return func(a *app.App) { a.Limits = l } }

// member is an account as a rule sees it, made behind the limits.
func member(t *testing.T, api *apitest.API) hub.User {
	t.Helper()
	limits := api.App.Limits
	api.App.Limits = app.Limits{}
	defer func() { api.App.Limits = limits }()
	u, err := api.User(t, hub.Free).Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Two servers together allow what one may, to the last, however many ask at
// once; and a third one that starts later knows of it.
func TestQuotasAreExactOverServers(t *testing.T) {
	t.Parallel()
	const most = 2000
	limits := allow(app.Limits{Free: most})
	one := apitest.New(t, limits)
	two := one.Beside(t, limits)
	one.Watch(t)
	two.Watch(t)
	u := member(t, one)
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		as := []*apitest.API{one, two}[i%2].App.As(u)
		wg.Go(func() {
			for {
				_, err := as.Spend(t.Context())
				if err != nil {
					if e, ok := errors.AsType[*hub.Error](err); !ok || e.Code != hub.Limit || e.RetryAfter <= 0 || e.RetryAfter > time.Hour {
						t.Errorf("refused with %v", err)
					}
					return
				}
				allowed.Add(1)
			}
		})
	}
	wg.Wait()
	if n := allowed.Load(); n != most {
		t.Errorf("%d were allowed, of %d", n, most)
	}
	if _, err := one.Beside(t, limits).App.As(u).Spend(t.Context()); hub.CodeOf(err) != hub.Limit {
		t.Errorf("after a restart: %v", err)
	}
}

// What one server has taken in advance goes back when another one lacks it.
func TestWhatIsNotUsedGoesBack(t *testing.T) {
	t.Parallel()
	const most = 1000
	limits := allow(app.Limits{Free: most})
	one := apitest.New(t, limits)
	two := one.Beside(t, limits)
	one.Watch(t)
	two.Watch(t)
	u := member(t, one)
	for range 205 { // which leaves some taken and not used
		if _, err := one.App.As(u).Spend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	eventually(t, "the rest is to be had elsewhere", func() bool {
		for {
			if _, err := two.App.As(u).Spend(t.Context()); err != nil {
				return n >= most-205
			}
			n++
		}
	})
	if n != most-205 {
		t.Errorf("%d more were allowed", n)
	}
}

// Any hour counts, wherever it begins.
func TestQuotasSlide(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	api := apitest.New(t, allow(app.Limits{Guest: 10}), func(a *app.App) {
		began := time.Now()
		a.Now = func() time.Time { return began.Add(time.Duration(ahead.Load())) }
	})
	as := api.App.As(app.Guest).From("192.0.2.7")
	spend := func(n int) (ok int) {
		for range n {
			if _, err := as.Spend(t.Context()); err == nil {
				ok++
			}
		}
		return ok
	}
	for _, step := range []struct {
		at      time.Duration
		ask, ok int
	}{
		{0, 4, 4},
		{30 * time.Minute, 10, 6},
		{time.Hour - time.Second, 1, 0},
		{time.Hour, 10, 4},
		{90 * time.Minute, 10, 6},
	} {
		ahead.Store(int64(step.at))
		if got := spend(step.ask); got != step.ok {
			t.Errorf("after %v: %d of %d, want %d", step.at, got, step.ask, step.ok)
		}
	}
	if _, err := api.App.As(app.Guest).From("192.0.2.8").Spend(t.Context()); err != nil {
		t.Errorf("somebody else: %v", err)
	}
}

// One account has one quota, and every answer tells how it stands. Headers that
// name other addresses give nobody more.
func TestLimitsOverHTTP(t *testing.T) {
	t.Parallel()
	api := apitest.New(t, allow(app.Limits{Guest: 3, Free: 6}))
	c := api.User(t, hub.Free)
	made, err := c.CreateAPIKey(t.Context(), hub.NewAPIKey{Scopes: []hub.Scope{hub.AccountRead}}) // one
	if err != nil {
		t.Fatal(err)
	}
	token := api.Token(t, c) // two
	for i, with := range []string{token, made.Token, token} {
		got := send(t, api, "GET", "/v1/users/profile", with, "")
		if want := fmt.Sprintf(`"hour";r=%d;t=`, 3-i); got.status != 200 || !strings.HasPrefix(got.header.Get("RateLimit"), want) || got.header.Get("RateLimit-Policy") != `"hour";q=6;w=3600` {
			t.Errorf("%d: %d %v", i, got.status, got.header)
		}
	}
	u, err := client.New(api.URL, client.Token(made.Token)).Usage(t.Context()) // six
	if err != nil || u.Requests.Limit != 6 || u.Requests.Used != 6 || *u.Requests.Remaining != 0 || u.Requests.ResetsAt == nil || u.Tier != hub.Free {
		t.Errorf("%+v, %v", u, err)
	}
	for _, with := range []string{token, made.Token} {
		got := send(t, api, "GET", "/v1/users/profile", with, "", "X-Forwarded-For", "203.0.113.9")
		wait, err := strconv.Atoi(got.header.Get("Retry-After"))
		if got.status != http.StatusTooManyRequests || err != nil || wait < 1 || wait > 3600 || !strings.Contains(got.body, `"limit"`) {
			t.Errorf("the seventh: %d %v %s", got.status, got.header, got.body)
		}
	}
	for i := range 5 {
		got := send(t, api, "GET", "/v1/courses", "", "", "X-Forwarded-For", fmt.Sprint("203.0.113.", i), "X-Real-IP", "203.0.113.1", "Forwarded", "for=203.0.113.2")
		if want := map[bool]int{true: 200, false: 429}[i < 3]; got.status != want {
			t.Errorf("guest %d: %d, want %d", i, got.status, want)
		}
	}
	api.App.DB.Pool().Close() // a refusal asks nobody
	for _, with := range []string{"", token, made.Token} {
		if got := send(t, api, "GET", "/v1/courses", with, ""); got.status != http.StatusTooManyRequests {
			t.Errorf("without a database: %d", got.status)
		}
	}
	if got := send(t, api, "GET", "/healthz", "", ""); got.status != 200 || got.header.Get("RateLimit") != "" {
		t.Errorf("health: %d %v", got.status, got.header)
	}
}

// A thousand an hour for free accounts, ten thousand for paid ones, through
// whichever door: the next one is too many, and is told so.
func TestFiguresOfTheTiers(t *testing.T) {
	t.Parallel()
	api := apitest.New(t, allow(app.Limits{Guest: 100, Free: 1000, Premium: 10_000}))
	for role, most := range map[hub.Role]int{hub.Free: 1000, hub.Premium: 10_000, hub.Instructor: 10_000} {
		c := api.User(t, role)
		token := api.Token(t, c) // which asks for the profile once
		u, err := c.Profile(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		overSSH := api.App.As(u)
		for n := 2; n < most; n++ {
			if _, err := overSSH.Spend(t.Context()); err != nil {
				t.Fatalf("%s: the %dth: %v", role, n, err)
			}
		}
		got := send(t, api, "GET", "/v1/courses", token, "")
		wait, err := strconv.Atoi(got.header.Get("Retry-After"))
		policy := fmt.Sprintf(`"hour";q=%d;w=3600`, most)
		if got.status != http.StatusTooManyRequests || err != nil || wait < 1 || wait > 3600 || got.header.Get("RateLimit-Policy") != policy || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %v %s", role, got.status, got.header, got.body)
		}
	}
}

// With ten left, two hundred at once get ten answers, over two servers, and a
// third that starts afterwards has none to give.
func TestTheLastTenGoOnce(t *testing.T) {
	t.Parallel()
	limits := allow(app.Limits{Free: 100})
	one := apitest.New(t, limits)
	two := one.Beside(t, limits)
	one.Watch(t)
	two.Watch(t)
	c := one.User(t, hub.Free)
	token := one.Token(t, c) // one
	u := profileOf(t, c)     // two
	for range 88 {
		if _, err := one.App.As(u).Spend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	answers := map[int]int{}
	for i := range 200 {
		wg.Go(func() {
			got := send(t, []*apitest.API{one, two}[i%2], "GET", "/v1/courses", token, "")
			for got.status == http.StatusServiceUnavailable { // a database that is too busy to count
				got = send(t, []*apitest.API{one, two}[i%2], "GET", "/v1/courses", token, "")
			}
			mu.Lock()
			defer mu.Unlock()
			answers[got.status]++
		})
	}
	wg.Wait()
	if answers[200] != 10 || answers[429] != 190 {
		t.Errorf("answers: %v", answers)
	}
	if got := send(t, one.Beside(t, limits), "GET", "/v1/courses", token, ""); got.status != http.StatusTooManyRequests {
		t.Errorf("after a restart: %d", got.status)
	}
}

// While the database is there nobody gets on uncounted, whatever keeps it from
// counting. While it is away, what needs it not is answered, and how often is told.
func TestNobodyIsUncountedUnlessTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	limits := allow(app.Limits{Guest: 100})
	told := apitest.New(t, limits)
	var log strings.Builder
	noon := time.Now()
	deaf := told.Beside(t, limits, func(a *app.App) {
		a.Log = slog.New(slog.NewJSONHandler(&locked{w: &log}, &slog.HandlerOptions{Level: slog.LevelError})) // written before an answer
		a.Now = func() time.Time { return noon }
	})
	told.Watch(t)
	fails := func(how string) {
		t.Helper()
		does := `RAISE EXCEPTION USING ERRCODE = '` + how + `'`
		if how == "slow" {
			does = `PERFORM pg_sleep(3600)`
		}
		_, err := told.App.DB.Pool().Exec(t.Context(), `
			CREATE OR REPLACE FUNCTION take_quota(who text, want integer, most integer, span interval, moment timestamptz,
			    OUT granted integer, OUT remaining integer, OUT free_at timestamptz) AS $$
			BEGIN `+does+`; END $$ LANGUAGE plpgsql`)
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		how       string
		api       *apitest.API
		status    int
		uncounted int64
	}{
		{"57P01", told, http.StatusServiceUnavailable, 0}, // a connection that was ended
		{"57014", told, http.StatusServiceUnavailable, 0}, // a statement that took too long
		{"XX000", told, http.StatusServiceUnavailable, 0}, // a fault of ours
		// Being deaf is what a busy database does to us, too.
		{"XX000", deaf, http.StatusServiceUnavailable, 0},
		{"53300", deaf, http.StatusServiceUnavailable, 0}, // too many connections
		{"57014", deaf, http.StatusServiceUnavailable, 0},
		{"slow", deaf, http.StatusServiceUnavailable, 0},
		{"57P01", deaf, http.StatusOK, 1},
	} {
		fails(tt.how)
		got := send(t, tt.api, "GET", "/v1/courses", "", "")
		if got.status != tt.status || (got.header.Get("Retry-After") == "") != (tt.status == http.StatusOK) || tt.api.App.Uncounted() != tt.uncounted {
			t.Errorf("%s: %d %v %s, %d uncounted", tt.how, got.status, got.header, got.body, tt.api.App.Uncounted())
		}
	}
	// Who hangs up meanwhile has met no fault of ours.
	fails("57014")
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	if _, err := deaf.App.As(app.Guest).From("192.0.2.1:1").Spend(gone); !errors.Is(err, context.Canceled) || hub.CodeOf(err) == hub.Unavailable {
		t.Errorf("after a hang-up: %v", err)
	}
	// Of a flood of them there is one line, and a number.
	if lines := log.String(); strings.Count(lines, "\n") != 1 || !strings.Contains(lines, "can't be counted") || deaf.App.Uncountable() != 4 {
		t.Errorf("%d are logged as %s", deaf.App.Uncountable(), lines)
	}
}

// Behind a proxy that the operator names, guests are told apart by what it says,
// and not by what they say to it.
func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	api := apitest.New(t, allow(app.Limits{Guest: 2}), func(a *app.App) { a.TrustedProxies = []string{"127.0.0.0/8", "::1"} })
	for i, tt := range []struct {
		forwarded string
		status    int
	}{
		{"203.0.113.1", 200},
		{"203.0.113.1", 200},
		{"203.0.113.1", 429},
		{"203.0.113.2", 200},
		{"198.51.100.1, 203.0.113.2", 200}, // the first is the guest's own word
		{"198.51.100.2, 203.0.113.2", 429},
	} {
		if got := send(t, api, "GET", "/v1/courses", "", "", "X-Forwarded-For", tt.forwarded, "X-Real-IP", fmt.Sprint("192.0.2.", i)); got.status != tt.status {
			t.Errorf("%d, %s: %d", i, tt.forwarded, got.status)
		}
	}
}

// Minutes of labs count by the day, running ones too.
func TestLabMinutes(t *testing.T) {
	t.Parallel()
	noon := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	api := apitest.New(t, allow(app.Limits{LabMinutes: 60}), func(a *app.App) { a.Now = func() time.Time { return noon } })
	u := member(t, api)
	for _, sql := range []string{
		`INSERT INTO labs (id, version) SELECT 'a-lab', 'v1' WHERE $1 <> ''`,
		`INSERT INTO lab_sessions (id, user_id, lab_id, lab_version, state, step, driver, node, created_at, expires_at, most_until, ended_at)
			SELECT 's-one', $1::uuid, 'a-lab', 'v1', 'stopped', 1, 'local', 'here', t - interval '9 hours', t, t, t - interval '8 hours 40 minutes'
			FROM (SELECT '` + noon.Format(time.RFC3339) + `'::timestamptz AS t) x`,
		`INSERT INTO lab_sessions (id, user_id, lab_id, lab_version, state, step, driver, node, created_at, expires_at, most_until)
			SELECT 's-two', $1::uuid, 'a-lab', 'v1', 'ready', 1, 'local', 'here', t - interval '15 minutes', t + interval '1 hour', t
			FROM (SELECT '` + noon.Format(time.RFC3339) + `'::timestamptz AS t) x`,
		`INSERT INTO lab_sessions (id, user_id, lab_id, lab_version, state, step, driver, node, created_at, expires_at, most_until, ended_at)
			SELECT 's-yesterday', $1::uuid, 'a-lab', 'v1', 'stopped', 1, 'local', 'here', t - interval '14 hours', t, t, t - interval '11 hours 50 minutes'
			FROM (SELECT '` + noon.Format(time.RFC3339) + `'::timestamptz AS t) x`,
	} {
		if _, err := api.App.DB.Pool().Exec(t.Context(), sql, u.ID); err != nil {
			t.Fatalf("%.70s: %v", sql, err)
		}
	}
	got, err := api.App.As(u).Usage(t.Context())
	if err != nil || got.LabMinutes.Used != 20+15+10 || *got.LabMinutes.Remaining != 15 || !got.LabMinutes.ResetsAt.Equal(noon.Add(12*time.Hour)) {
		t.Errorf("%+v, %v", got.LabMinutes, err)
	}
	u.Role = hub.Premium
	if got, err := api.App.As(u).Usage(t.Context()); err != nil || got.LabMinutes.Limit != 0 || got.LabMinutes.Remaining != nil {
		t.Errorf("premium: %+v, %v", got.LabMinutes, err)
	}
}
