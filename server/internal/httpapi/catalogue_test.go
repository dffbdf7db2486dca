package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// The catalogue is kept ready for each view of it, and nobody is ever given
// somebody else's: not with a tag of theirs, not after their own rights or
// courses have changed.
func TestNobodySeesAnothersCatalogue(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	api.Watch(t)
	a := newAuthor(t, api, hub.Instructor)
	a.publish(t, "open")
	a.publish(t, "paid", premium)
	free, taker, paying := api.User(t, hub.Free), api.User(t, hub.Free), api.User(t, hub.Premium)
	if _, err := taker.Enroll(t.Context(), "open"); err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{"guest": "", "free": api.Token(t, free), "taker": api.Token(t, taker), "paying": api.Token(t, paying)}
	who := []string{"guest", "free", "taker", "paying"}
	const asked, enrolled = "What counts lines", `"enrolled":true`
	tags := map[string]string{}
	for round := range 3 { // the first fills it
		for _, name := range who {
			list := send(t, api, "GET", "/v1/courses", tokens[name], "")
			detail := send(t, api, "GET", "/v1/courses/paid", tokens[name], "")
			open := send(t, api, "GET", "/v1/courses/open", tokens[name], "")
			if got := strings.Contains(list.body, enrolled); got != (name == "taker") {
				t.Errorf("round %d: %s is enrolled in the list: %v", round, name, got)
			}
			if got := strings.Contains(open.body, enrolled); got != (name == "taker") {
				t.Errorf("round %d: %s is enrolled: %v", round, name, got)
			}
			if got := strings.Contains(detail.body, asked); got != (name == "paying") {
				t.Errorf("round %d: %s sees the questions: %v", round, name, got)
			}
			tags[name] = detail.header.Get("ETag")
			want := "private, no-cache"
			if name == "guest" {
				want = "public, max-age=300"
			}
			if got := list.header.Get("Cache-Control"); got != want {
				t.Errorf("%s may keep it: %q, want %q", name, got, want)
			}
			for _, at := range []string{"/v1/courses/open/lessons", "/v1/courses/open/lessons/counting", "/v1/labs"} {
				if got := send(t, api, "GET", at, tokens[name], ""); got.status != http.StatusOK || got.header.Get("Cache-Control") != want {
					t.Errorf("%s may keep %s: %d, %q, want %q", name, at, got.status, got.header.Get("Cache-Control"), want)
				}
			}
			lessons := send(t, api, "GET", "/v1/courses/paid/lessons", tokens[name], "")
			if got := strings.Contains(lessons.body, asked); got != (name == "paying") {
				t.Errorf("round %d: %s sees the questions of the lessons: %v", round, name, got)
			}
			lesson := send(t, api, "GET", "/v1/courses/paid/lessons/counting", tokens[name], "")
			if got := lesson.status == http.StatusOK; got != (name == "paying") {
				t.Errorf("round %d: %s reads the lesson: %d", round, name, lesson.status)
			}
			if vary := list.header.Values("Vary"); !slices.Contains(vary, "Authorization") || !slices.Contains(vary, "Accept-Encoding") {
				t.Errorf("Vary is %q", vary)
			}
		}
	}
	for _, name := range who {
		for _, tagOf := range who {
			got := send(t, api, "GET", "/v1/courses/paid", tokens[name], "", "If-None-Match", tags[tagOf])
			if (got.status == http.StatusNotModified) != (tags[name] == tags[tagOf]) {
				t.Errorf("%s with the tag of %s: %d", name, tagOf, got.status)
			}
			if got.status == http.StatusNotModified && got.body != "" {
				t.Errorf("a body with 304: %q", got.body)
			}
		}
		head := send(t, api, "HEAD", "/v1/courses/paid", tokens[name], "", "Accept-Encoding", "gzip") // as the GETs ask
		if head.body != "" || head.header.Get("ETag") != tags[name] {
			t.Errorf("HEAD for %s: %q, ETag %s", name, head.body, head.header.Get("ETag"))
		}
	}
	if tags["paying"] == tags["free"] {
		t.Error("what differs has one tag")
	}

	// Their own next request knows of it.
	if _, err := free.Enroll(t.Context(), "open"); err != nil {
		t.Fatal(err)
	}
	if got := send(t, api, "GET", "/v1/courses/open", tokens["free"], ""); !strings.Contains(got.body, enrolled) {
		t.Error("enrolled, and not shown so")
	}
	u, err := paying.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error { return tx.SetRole(ctx, u.ID, hub.Free) }); err != nil {
		t.Fatal(err)
	}
	eventually(t, "no member any more, no questions", func() bool {
		return !strings.Contains(send(t, api, "GET", "/v1/courses/paid", tokens["paying"], "").body, asked)
	})
}

// Word of what a learner takes comes after it: what is made for them meanwhile
// isn't given to those who take what they took before.
func TestLateWordLeaksNobodysCatalogue(t *testing.T) {
	t.Parallel()
	one := apitest.New(t, func(a *app.App) {
		now := time.Now()
		a.Now = func() time.Time { return now } // or what is known goes by its age
	})
	newAuthor(t, one, hub.Instructor).publish(t, "open")
	taker, other := one.User(t, hub.Free), one.User(t, hub.Free)
	if _, err := one.App.DB.Pool().Exec(t.Context(), `ALTER TABLE enrollments DISABLE TRIGGER tell`); err != nil {
		t.Fatal(err)
	}
	one.Watch(t)
	takes, others := one.Token(t, taker), one.Token(t, other)
	send(t, one, "GET", "/v1/courses?limit=1", takes, "") // now it knows what they take
	if got := send(t, one.Beside(t), "POST", "/v1/courses/open/enroll", takes, ""); got.status != http.StatusCreated {
		t.Fatalf("enroll: %d %s", got.status, got.body)
	}
	const enrolled = `"enrolled":true`
	for _, path := range []string{"/v1/courses", "/v1/courses/open"} {
		if got := send(t, one, "GET", path, takes, ""); !strings.Contains(got.body, enrolled) {
			t.Errorf("%s as it is: %d %s", path, got.status, got.body)
		}
		if got := send(t, one, "GET", path, others, ""); got.status != http.StatusOK || strings.Contains(got.body, enrolled) {
			t.Errorf("%s to somebody else: %d %s", path, got.status, got.body)
		}
	}
}

// What is published on one server is shown by all of them, to guests and to
// members, and a tag of before matches no more.
func TestPublishingSwapsTheCatalogueEverywhere(t *testing.T) {
	t.Parallel()
	one := apitest.New(t)
	two := one.Beside(t)
	one.Watch(t)
	two.Watch(t)
	a := newAuthor(t, one, hub.Instructor)
	a.publish(t, "moving", titled("Before"))
	token := one.Token(t, one.User(t, hub.Free))
	type place struct {
		api         *apitest.API
		path, token string
	}
	tags := map[place]string{}
	var places []place
	for _, api := range []*apitest.API{one, two} {
		for _, path := range []string{"/v1/courses", "/v1/courses/moving", "/api/v1/courses?q=before"} {
			for _, tok := range []string{"", token} {
				p := place{api, path, tok}
				eventually(t, "the first edition is shown", func() bool {
					got := send(t, api, "GET", path, tok, "")
					tags[p] = got.header.Get("ETag")
					return strings.Contains(got.body, "Before")
				})
				places = append(places, p)
			}
		}
	}
	for i := range 3 {
		title := fmt.Sprintf("Not before %d", i)
		a.publish(t, "moving", titled(title))
		for _, p := range places {
			eventually(t, title+" at "+p.path, func() bool {
				got := send(t, p.api, "GET", p.path, p.token, "", "If-None-Match", tags[p])
				if got.status == http.StatusOK && strings.Contains(got.body, title) {
					tags[p] = got.header.Get("ETag")
					return true
				}
				return false
			})
		}
	}
}

// A course is kept for an hour and a search for a quarter of one, on a server that
// hears of what is published; preferences a day. Here nothing is told, so that
// nothing but the clock ends them.
func TestWhatIsKeptReadyRunsOut(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	api := apitest.New(t, func(a *app.App) {
		began := time.Now()
		a.Now = func() time.Time { return began.Add(time.Duration(ahead.Load())) }
	})
	newAuthor(t, api, hub.Instructor).publish(t, "kept", titled("Title 0"))
	one := api.User(t, hub.Free)
	profile, err := one.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	api.Watch(t)
	const course, list, search, preferences = "/v1/courses/kept", "/v1/courses", "/v1/courses?q=title", "/v1/users/preferences"
	change := func(n int) {
		t.Helper()
		title := fmt.Sprintf("Title %d", n)
		for _, sql := range []string{
			`UPDATE course_versions SET document = jsonb_set(document, '{title}', to_jsonb($1::text))`,
			`UPDATE course_index SET title = $1, summary = jsonb_set(summary, '{title}', to_jsonb($1::text))`,
			`UPDATE users SET preferences = jsonb_build_object('title', $1::text)`,
		} {
			if _, err := api.App.DB.Pool().Exec(t.Context(), sql, title); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := api.App.DB.Pool().Exec(t.Context(), `ALTER TABLE users DISABLE TRIGGER tell`); err != nil {
		t.Fatal(err)
	}
	shows := func(at time.Duration, want map[string]int) {
		t.Helper()
		ahead.Store(int64(at))
		for path, n := range want {
			token := ""
			if path == preferences { // a token of that time
				l, err := api.Guest().Login(t.Context(), hub.Credentials{Email: profile.Email, Password: apitest.Password})
				if err != nil {
					t.Fatal(err)
				}
				token = l.AccessToken
			}
			if got := send(t, api, "GET", path, token, ""); !strings.Contains(got.body, fmt.Sprintf("Title %d", n)) {
				t.Errorf("after %v %s is not of change %d: %d %s", at, path, n, got.status, got.body)
			}
		}
	}
	change(1)
	shows(0, map[string]int{course: 1, list: 1, search: 1, preferences: 1})
	change(2)
	shows(15*time.Minute-time.Second, map[string]int{course: 1, list: 1, search: 1, preferences: 1})
	shows(15*time.Minute, map[string]int{course: 1, list: 1, search: 2})
	shows(time.Hour-time.Second, map[string]int{course: 1, list: 1})
	shows(time.Hour, map[string]int{course: 2, list: 2})
	shows(24*time.Hour-time.Second, map[string]int{preferences: 1})
	shows(24*time.Hour, map[string]int{preferences: 2})
}

// Each form of an answer has its own tag, and what it decodes to is the same.
func TestFormsOfAnAnswer(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	seen := map[string]string{}
	for _, form := range []string{"identity", "gzip", "zstd"} {
		got := send(t, api, "GET", "/v1/courses/one", "", "", "Accept-Encoding", form)
		name := got.header.Get("Content-Encoding")
		if name == "" {
			name = "identity"
		}
		if name != form || got.status != http.StatusOK {
			t.Fatalf("asked for %s: %d, %s", form, got.status, name)
		}
		tag := got.header.Get("ETag")
		if other, twice := seen[tag]; twice {
			t.Errorf("%s and %s have the tag %s", form, other, tag)
		}
		seen[tag] = form
		for tag, of := range seen {
			again := send(t, api, "GET", "/v1/courses/one", "", "", "Accept-Encoding", form, "If-None-Match", tag)
			if (again.status == http.StatusNotModified) != (of == form) {
				t.Errorf("%s with the tag of %s: %d", form, of, again.status)
			}
		}
	}
}
