package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// Errors are in the caller's language, whole: with their values, within other
// sentences, in each of many; and in English for everybody else. Programs find
// the same codes, and what is kept for many is there once for all of them.
func TestErrorsInTheCallersLanguage(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "paid", premium)
	token := api.Token(t, api.User(t, hub.Free))
	for _, test := range []struct {
		method, path, body string
		title, says        []string // in German, in English
	}{
		{"GET", "/v1/courses/nope", "", []string{"Nicht gefunden", "Not found"}, []string{`"Diesen Kurs gibt es nicht."`, `"There is no such course."`}},
		{"GET", "/v1/courses?limit=7000", "", []string{"So kann", "The request cannot"}, []string{`"Das Limit ist eine Zahl von 1 bis 100."`, `"The limit is a number from 1 to 100."`}},
		{"GET", "/v1/courses?level=sky", "", nil, []string{`"Die Schwierigkeiten sind beginner`, `"The levels are beginner`}},
		{"GET", "/v1/admin/stats", "", []string{"Nicht erlaubt", "Not allowed"}, []string{`"Das braucht die Rolle admin; deine ist free."`, `"This needs the role admin; yours is free."`}},
		{"GET", "/v1/courses/paid/lessons/counting", "", nil, []string{`ist für Premium-Mitglieder; dein Tarif ist free."`, `is for premium members; your tier is free."`}},
		{
			"POST", "/v1/users/progress", `{"entries":[{"course_id":"paid","lesson_id":"counting","progress_percentage":101}]}`, nil,
			[]string{`"Nichts wurde festgehalten: /entries/0/progress_percentage Ein Prozentwert liegt zwischen 0 und 100."`, `"Nothing was recorded: /entries/0/progress_percentage A percentage is from 0 to 100."`},
		},
		{"POST", "/v1/users/tokens", `{"name":7,"scopes":["labs:run"]}`, nil, []string{`"Das muss ein Text sein, nicht eine Zahl."`, `"This must be a text, not a number."`}},
		{"POST", "/v1/graphql", `{"query":"{ nope }"}`, nil, []string{`Der Typ \"Query\" hat kein Feld \"nope\".`, `Cannot query field \"nope\" on type \"Query\".`}},
		{"POST", "/v1/graphql", `{"query":"{ me { username } "}`, nil, []string{`"Erwartet war `, `"Expected `}},
		{"POST", "/v1/graphql", `{"query":"{ course(id: \"nope\") { slug } }"}`, nil, []string{`"Diesen Kurs gibt es nicht."`, `"There is no such course."`}},
	} {
		for i, language := range []string{"de-AT,de;q=0.9,en;q=0.5", "fr,en;q=0.3", ""} {
			i = min(i, 1)
			got := send(t, api, test.method, test.path, token, test.body, "Accept-Language", language)
			if !strings.Contains(got.body, test.says[i]) || test.title != nil && !strings.Contains(got.body, test.title[i]) {
				t.Errorf("%s %s in %q: %s", test.method, test.path, language, got.body)
			}
			if strings.HasPrefix(test.path, "/v1/graphql") {
				continue
			}
			if l := got.header.Get("Content-Language"); l != []string{"de", "en"}[i] || !varies(got.header, "Accept-Language") {
				t.Errorf("%s %s in %q is in %q, and varies by %q", test.method, test.path, language, l, got.header.Values("Vary"))
			}
		}
	}
	// A course is the same for everybody, and so is its tag.
	tags := map[string]bool{}
	for _, language := range []string{"de", "en"} {
		got := send(t, api, "GET", "/v1/courses", token, "", "Accept-Language", language)
		if tags[got.header.Get("ETag")] = true; varies(got.header, "Accept-Language") || got.header.Get("Content-Language") != "" {
			t.Errorf("the catalogue depends on %q", language)
		}
	}
	if len(tags) != 1 {
		t.Errorf("the catalogue is there %d times", len(tags))
	}
	// What is refused of many says why, too.
	german := client.New(api.URL, client.Token(token), client.Language("de"))
	r, err := german.Replay(t.Context(), []hub.LearningEvent{{ID: hub.NewEventID(), Kind: hub.LessonDone, CourseID: "nope", LessonID: "x"}})
	if err != nil || len(r) != 1 || r[0].Problem == nil || r[0].Problem.Code != hub.NotFound || r[0].Problem.Detail != "Diesen Kurs gibt es nicht." {
		t.Errorf("got %+v, %v", r, err)
	}
	// The answer that is kept for a repetition is the one that was given.
	first := send(t, api, "POST", "/v1/users/keys", token, `{"public_key":"x"}`, "Idempotency-Key", "k1", "Accept-Language", "de")
	again := send(t, api, "POST", "/v1/users/keys", token, `{"public_key":"x"}`, "Idempotency-Key", "k1", "Accept-Language", "en")
	if again.body != first.body || again.header.Get("Content-Language") != "de" {
		t.Errorf("first %s, then %s in %q", first.body, again.body, again.header.Get("Content-Language"))
	}
}

// Browsers are shown pages in the language that they ask for, also what is wrong.
func TestPagesInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	for language, want := range map[string][]string{
		"de": {`<html lang="de">`, "<h1>Anmelden</h1>", "Gib den Code ein", `role="alert"`},
		"en": {`<html lang="en">`, "<h1>Sign in</h1>", "Enter the code", `role="alert"`},
	} {
		got := send(t, api, "GET", "/device?user_code=BCDF-GHJK", "", "", "Accept-Language", language)
		for _, w := range want {
			if !strings.Contains(got.body, w) {
				t.Errorf("%s: no %q in %s", language, w, got.body)
			}
		}
		if l := got.header.Get("Content-Language"); l != language || !varies(got.header, "Accept-Language") {
			t.Errorf("a page for %q is in %q, and varies by %q", language, l, got.header.Values("Vary"))
		}
	}
	for path, says := range map[string]string{"/verify?token=x": "Bestätige deine E-Mail-Adresse", "/reset?token=x": "Neues Passwort", "/certificates/cmh-none": "Kein Zertifikat"} {
		if got := send(t, api, "GET", path, "", "", "Accept-Language", "de"); !strings.Contains(got.body, says) {
			t.Errorf("%s: %s", path, got.body)
		}
	}
}

// Mail is in the language of whoever registered, until they prefer another.
func TestMailInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	api, sink := mailing(t)
	c := client.New(api.URL, client.Language("de"))
	l, err := c.Register(t.Context(), hub.Registration{Email: "heidi@example.com", Username: "heidi", Password: apitest.Password})
	if err != nil {
		t.Fatal(err)
	}
	if m := sink.Wait(t); m.Subject != "Bestätige deine E-Mail-Adresse" || !strings.Contains(m.Text, "24 Stunden") {
		t.Errorf("registering: %+v", m)
	}
	c = client.New(api.URL, client.Language("de"), client.Token(l.AccessToken))
	if p, err := c.Preferences(t.Context()); err != nil || p["language"] != "de" {
		t.Errorf("preferences: %v, %v", p, err)
	}
	for _, language := range []any{"en", 7, "tlh", "de_AT.UTF-8"} {
		if _, err := c.SetPreferences(t.Context(), hub.Preferences{"language": language}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Export(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := "Your data was exported"
		if language == "de_AT.UTF-8" {
			want = "Deine Daten wurden exportiert"
		}
		if m := sink.Wait(t); m.Subject != want {
			t.Errorf("%v: %q", language, m.Subject)
		}
	}
}

func varies(h http.Header, by string) bool {
	return slices.Contains(strings.Split(strings.Join(h.Values("Vary"), ", "), ", "), by)
}
