package httpapi_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// zoo is a lab of which every part has a word of its own.
func zoo(slug string) *scenario.Scenario {
	return &scenario.Scenario{
		Slug: slug, Title: "Zoo", Description: "Feed them.", Needs: []string{"linux"},
		Intro: scenario.Page{Text: "Welcome, platypus.", Background: []scenario.Script{{Source: []byte("dingo=1\n")}}},
		Steps: []scenario.Step{{
			Page:   scenario.Page{Title: "Feed", Text: "Feed the echidna."},
			Verify: &scenario.Script{Source: []byte("wombat=1; false\n")},
			Hints:  []scenario.Hint{{Text: "It eats what a quokka eats."}},
			Solve:  &scenario.Script{Source: []byte("numbat=1; touch fed\n")},
		}},
		Finish: scenario.Page{Text: "Goodbye, bilby."},
	}
}

// The words that only the parts of the premium course and of its lab have: what
// is for those who may take it, and what is for nobody before they have earned it.
var (
	forPremium = []string{"Hippopotamus", "What counts lines", "platypus", "echidna", "bilby"}
	forNobody  = []string{"short for word count", "tcp 443", "wc -l </etc/passwd", `"right"`, "dingo", "wombat", "quokka", "numbat", "$2a$"}
)

// Whoever hasn't paid gets no word of what is paid for at any address, by any
// method, with any tag; whoever has, none that they have to earn; and nobody
// gets somebody else's address of mail.
func TestNothingPremiumAtAnyAddress(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	teacher := h.User(t, hub.Instructor)
	author := author{h.actor(t, teacher)}
	author.publish(t, "paid-for", premium)
	author.publishLabs(t, "zoo-course", false, zoo("zoo"))
	free, paying := h.User(t, hub.Free), h.User(t, hub.Premium)
	s := h.ready(t, paying, "zoo")
	if _, err := paying.Enroll(t.Context(), "paid-for"); err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{"guest": "", "free": h.Token(t, free), "paying": h.Token(t, paying)}
	emails := map[string]string{"teacher": profileOf(t, teacher).Email, "free": profileOf(t, free).Email, "paying": profileOf(t, paying).Email}
	seen := map[string]bool{}
	check := func(who, what string, got response) {
		t.Helper()
		secrets := forNobody
		if who != "paying" {
			secrets = append(forPremium, forNobody...)
		}
		all := got.body + fmt.Sprint(got.header)
		for _, word := range forPremium {
			seen[who+word] = seen[who+word] || strings.Contains(all, word)
		}
		for _, word := range secrets {
			if strings.Contains(all, word) {
				t.Errorf("%s gives a %s learner %q: %d", what, who, word, got.status)
			}
		}
		for other, email := range emails {
			if other != who && strings.Contains(all, email) {
				t.Errorf("%s gives a %s learner the address of the %s one", what, who, other)
			}
		}
	}
	for _, d := range contract(t) {
		if d.role() == hub.Admin || d.role() == hub.Instructor || d.method == http.MethodDelete || strings.HasSuffix(d.path, "/events") || strings.HasPrefix(d.path, "/v1/openapi") {
			continue
		}
		if d.method != http.MethodGet && !strings.Contains(d.path, "{course}") && !strings.Contains(d.path, "{lab}") {
			continue
		}
		for _, ids := range []map[string]string{
			{"course": "paid-for", "lesson": "counting", "lab": "zoo"},
			{"course": "zoo-course", "lesson": "start", "lab": s.ID},
			{"course": "paid-for", "lesson": "sorting", "lab": "paid-for-count-lines"},
		} {
			at := d.at(ids)
			if strings.Contains(at, "//") || strings.HasSuffix(at, "/") { // it has to do with neither
				continue
			}
			tags := map[string]string{}
			for _, who := range []string{"paying", "free", "guest"} {
				if who == "paying" && d.method != http.MethodGet { // who may, and would earn it
					continue
				}
				body := strings.ReplaceAll(fitting[d.name], "KEY", strings.TrimSpace(publicKey(t)))
				got := send(t, h.API, d.method, at, tokens[who], body)
				check(who, d.name+" "+at, got)
				tags[who] = got.header.Get("ETag")
				if d.method != http.MethodGet {
					continue
				}
				check(who, "HEAD "+at, send(t, h.API, "HEAD", at, tokens[who], ""))
				if who == "paying" || tags["paying"] == "" || tags["paying"] == tags[who] {
					continue
				}
				if got := send(t, h.API, "GET", at, tokens[who], "", "If-None-Match", tags["paying"]); got.status == http.StatusNotModified {
					t.Errorf("%s tells a %s learner that they have what those who pay are shown", at, who)
				}
			}
		}
		if d.has("query", "q") {
			for _, word := range append(forPremium, forNobody...) {
				for who, token := range tokens {
					got := send(t, h.API, "GET", d.path+"?q="+strings.ReplaceAll(word, " ", "+"), token, "")
					check(who, d.path+"?q=", got)
				}
			}
		}
	}
	for _, word := range forPremium {
		if !seen["paying"+word] {
			t.Errorf("those who pay are never shown %q: nothing was tested", word)
		}
	}
}

// A search finds nobody a course by what they may not read of it, nor keeps one
// from them for that: phrase by phrase, and word by word, it would read it to them.
func TestSearchesReadNothingOut(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	secret := func(c *hub.Course) {
		c.Title, c.Lessons[0].Title = "Rivers it's said", "Deltas"
		c.Lessons[0].Body += "\nThe perspicacious heron waits.\n"
	}
	a.publish(t, "paid", premium, secret)
	a.publish(t, "open", secret)
	guest, free, paying := api.Guest(), api.User(t, hub.Free), api.User(t, hub.Premium)
	for query, shut := range map[string]bool{ // whether it asks for what is closed to some
		"perspicacious": true, `"perspicacious heron"`: true, "perspicacious or nothing": true, "rivers perspicacious": true,
		"rivers": false, "deltas": false, `"it's said"`: false, "rivers or perspicacious": false,
	} {
		want := []string{"open", "paid"}
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(slugs(t, paying, hub.CourseFilter{Query: query})))); diff != "" {
			t.Errorf("%s, for who pays: %s", query, diff)
		}
		if shut {
			want = want[:1]
		}
		for who, c := range map[string]*client.Client{"guest": guest, "free": free} {
			if diff := cmp.Diff(want, slices.Sorted(slices.Values(slugs(t, c, hub.CourseFilter{Query: query})))); diff != "" {
				t.Errorf("%s, for a %s learner: %s", query, who, diff)
			}
		}
	}
	for query, want := range map[string][]string{
		"rivers -perspicacious": {"paid"}, "-perspicacious": {"paid"}, `rivers -"perspicacious heron"`: {"paid"}, "rivers -nothing": {"open", "paid"},
	} {
		for who, c := range map[string]*client.Client{"guest": guest, "free": free} {
			if diff := cmp.Diff(want, slices.Sorted(slices.Values(slugs(t, c, hub.CourseFilter{Query: query})))); diff != "" {
				t.Errorf("%s, for a %s learner: %s", query, who, diff)
			}
		}
	}
}

// The server goes nowhere for anybody: no address that a caller writes, in
// whatever place and spelling, is ever dialled.
func TestNothingIsFetched(t *testing.T) {
	t.Parallel()
	h := newLabHub(t, func(a *app.App) { a.PublicURL = "https://hub.example.com" })
	var hits atomic.Int64
	canary := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		_, _ = fmt.Fprint(w, "canary")
	}))
	t.Cleanup(canary.Close)
	_, port, err := net.SplitHostPort(canary.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	teacher := h.User(t, hub.Instructor)
	tokens := map[hub.Role]string{hub.Guest: "", hub.Free: h.Token(t, h.User(t, hub.Premium)), hub.Instructor: h.Token(t, teacher), hub.Admin: h.Token(t, h.User(t, hub.Admin))}
	addresses := []string{"file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", "gopher://127.0.0.1:" + port + "/_x"}
	for _, host := range []string{"127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "127.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "user@127.0.0.1"} {
		addresses = append(addresses, "http://"+host+":"+port+"/x")
	}
	for _, d := range contract(t) {
		if d.name == "DELETE /v1/users/me" || d.name == "DELETE /v1/users/sessions" || d.name == "PUT /v1/users/password" {
			continue
		}
		for _, address := range addresses {
			query := ""
			for _, p := range d.params {
				if p.In == "query" {
					query += "&" + p.Name + "=" + strings.ReplaceAll(address, "&", "%26")
				}
			}
			body := ""
			if b := d.op.RequestBody; b != nil && b.Value.Content.Get("application/json") != nil {
				body = written(b.Value.Content.Get("application/json").Schema, address, 0)
			}
			got := send(t, h.API, d.method, d.at(nowhere())+"?"+strings.TrimPrefix(query, "&"), tokens[d.role()], body)
			if strings.Contains(got.body, "root:x:") || strings.Contains(got.body, "canary") {
				t.Errorf("%s with %s: %s", d.name, address, got.body)
			}
		}
	}
	// Nor what an archive names: courses, imports and drafts have pictures and links.
	for _, address := range addresses {
		files := sampleFolder(t, "links")
		for name := range files {
			if strings.HasSuffix(name, ".md") {
				files[name] += fmt.Sprintf("\n![a picture](%s) [a link](%s) <img src=%q>\n", address, address, address)
			}
		}
		_, _ = push(t, teacher, files, true) // kept or refused
		lab := scenarios()
		lab["files/1.md"] += "![a picture](" + address + ") <iframe src=\"" + address + "\"></iframe>\n"
		for _, take := range []func(archive string) error{
			func(archive string) error {
				_, err := teacher.ImportScenarios(t.Context(), hub.ImportOptions{Title: address, Slug: "linked"}, strings.NewReader(archive))
				return err
			},
			func(archive string) error {
				d, err := teacher.UploadDraft(t.Context(), strings.NewReader(archive))
				if err == nil {
					err = teacher.RemoveDraft(t.Context(), d.ID)
				}
				return err
			},
		} {
			if err := take(string(repository(t, lab))); err != nil && hub.CodeOf(err) != hub.Invalid {
				t.Errorf("%s: %v", address, err)
			}
		}
		for _, path := range []string{"/v1/courses/links/lessons/counting", "/v1/labs/linked-files"} {
			send(t, h.API, "GET", path, tokens[hub.Instructor], "")
		}
	}
	if _, err := client.New(canary.URL).ServerVersion(t.Context()); err == nil || hits.Load() != 1 {
		t.Errorf("the canary was heard %d times, where once was ours", hits.Load())
	}
}

// written is a body that fits a schema, with one text in every place for a text.
func written(ref *openapi3.SchemaRef, text string, depth int) string {
	s := ref.Value
	switch {
	case depth > 6:
		return "null"
	case len(s.Enum) > 0:
		return fmt.Sprintf("%q", s.Enum[0])
	case len(s.OneOf) > 0:
		return written(s.OneOf[0], text, depth+1)
	case s.Type.Is("string"):
		return fmt.Sprintf("%q", text)
	case s.Type.Is("array"):
		return "[" + written(s.Items, text, depth+1) + "]"
	case s.Type.Is("boolean"):
		return "true"
	case s.Type.Is("integer"), s.Type.Is("number"):
		return "1"
	}
	var fields []string
	for name, of := range s.Properties {
		fields = append(fields, fmt.Sprintf("%q:%s", name, written(of, text, depth+1)))
	}
	if len(fields) == 0 {
		fields = []string{fmt.Sprintf("%q:%q", text, text)}
	}
	return "{" + strings.Join(fields, ",") + "}"
}
