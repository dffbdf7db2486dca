package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres/pgtest"
)

// statements counts what is asked of the database.
type statements struct{ atomic.Int64 }

// TraceQueryStart counts.
func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	s.Add(1)
	return ctx
}

// TraceQueryEnd is there for the interface.
func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Twenty courses with their lessons, texts, quizzes, labs, sessions and progress
// cost the database as many statements as one does.
func TestGraphQLAsksOnceForAll(t *testing.T) {
	t.Parallel()
	var asked statements
	api := apitest.New(t, func(a *app.App) {
		a.DB = pgtest.Open(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = &asked })
	})
	a := newAuthor(t, api, hub.Instructor)
	for i := range 20 {
		a.publish(t, fmt.Sprintf("c%02d", i))
	}
	c := api.User(t, hub.Premium)
	for i := range 20 {
		slug := fmt.Sprintf("c%02d", i)
		if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{{CourseID: slug, LessonID: "counting", ProgressPercentage: 50}}); err != nil {
			t.Fatal(err)
		}
	}
	count := func(first int) int64 {
		var got struct {
			Courses []struct {
				Progress struct{ ProgressPercentage int }
				Lessons  []struct {
					Body     string
					Progress *struct{ ProgressPercentage int }
				}
			}
		}
		before := asked.Load()
		err := c.GraphQL(t.Context(), `query($first: Int!) { courses(first: $first) {
			title progress { progressPercentage lessons { title } }
			lessons { title body quiz { questions { prompt } } videoUrl resources { url } progress { progressPercentage } }
			labs { title progress { progressPercentage } session { state } }
		} }`, map[string]any{"first": first}, &got)
		if err != nil {
			t.Fatal(err)
		}
		spent := asked.Load() - before
		if len(got.Courses) != first || got.Courses[first-1].Lessons[0].Body == "" || got.Courses[first-1].Lessons[0].Progress.ProgressPercentage != 50 {
			t.Fatalf("%+v", got)
		}
		return spent
	}
	count(1) // and whatever is asked for but once
	one, many := count(1), count(20)
	if one != many || one == 0 {
		t.Errorf("one course costs %d statements, twenty cost %d", one, many)
	}
	t.Logf("%d statements", one)
}

type typeRef struct {
	Kind, Name string
	OfType     *typeRef
}

func (r typeRef) named() typeRef {
	for r.OfType != nil {
		r = *r.OfType
	}
	return r
}

type graphTypes map[string][]struct {
	Name string
	Args []struct{ Type typeRef }
	Type typeRef
}

func introspected(t *testing.T, api *apitest.API) graphTypes {
	t.Helper()
	var got struct {
		Schema struct {
			Types []struct {
				Name   string
				Fields []struct {
					Name string
					Args []struct{ Type typeRef }
					Type typeRef
				}
			}
		} `json:"__schema"`
	}
	err := api.Guest().GraphQL(t.Context(), `{ __schema { types { name fields { name args { type { kind } } type { ...t } } } } }
		fragment t on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`, nil, &got)
	if err != nil {
		t.Fatal(err)
	}
	types := graphTypes{}
	for _, one := range got.Schema.Types {
		types[one.Name] = append(types[one.Name], one.Fields...)
	}
	return types
}

// all selects every field of a type, and of what it leads to.
func (g graphTypes) all(of string, on ...string) string {
	for _, o := range on {
		if o == of {
			return ""
		}
	}
	var fields []string
	for _, f := range g[of] {
		named := f.Type.named()
		if g[named.Name] == nil {
			fields = append(fields, f.Name)
		} else if below := g.all(named.Name, append(on, of)...); below != "" {
			fields = append(fields, f.Name+" "+below)
		}
	}
	if len(fields) == 0 {
		return ""
	}
	return "{ " + strings.Join(fields, " ") + " }"
}

// Whatever the schema has of a course, a lesson and a lab gives away nothing to
// those who may not read it, and no answers and solutions to anybody.
func TestGraphQLLeaksNothing(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	c := newAuthor(t, api, hub.Instructor).publish(t, "paid", premium)
	types := introspected(t, api)
	course, lesson, lab := types.all("Course"), types.all("Lesson"), types.all("Lab")
	if !strings.Contains(course, "body") || !strings.Contains(course, "prompt") || !strings.Contains(lab, "instructions") {
		t.Fatalf("it does not ask for all: %s", course)
	}
	asks := []string{
		"{ courses(first: 5) " + course + " }", "{ coursesConnection(first: 5) { nodes " + course + " } }", `{ course(id: "paid") ` + course + " }",
		`{ courses(first: 5, filter: {query: "hippopotamus"}) ` + course + " }",
		`{ lesson(courseId: "paid", id: "counting") ` + lesson + " }", "{ labs " + lab + " }", fmt.Sprintf("{ lab(id: %q) %s }", c.Labs[0].ID, lab),
		`mutation { enrollInCourse(courseId: "paid") ` + types.all("Enrollment") + " }",
	}
	kept := []string{"short for word count", "tcp 443", "wc -l </etc/passwd", `"right"`}
	for role, secrets := range map[hub.Role][]string{
		hub.Guest: append([]string{"Hippopotamus", "What counts lines"}, kept...), hub.Free: append([]string{"Hippopotamus", "What counts lines"}, kept...), hub.Premium: kept,
	} {
		token := ""
		if role != hub.Guest {
			token = api.Token(t, api.User(t, role))
		}
		shown := false
		for _, ask := range asks {
			got := graph(t, api, token, ask, nil)
			if got.status != http.StatusOK {
				t.Errorf("%d %.300s for %s", got.status, got.body, ask)
			}
			for _, secret := range secrets {
				if strings.Contains(got.body, secret) {
					t.Errorf("%s gives a %s %q", ask, role, secret)
				}
			}
			shown = shown || strings.Contains(got.body, "Hippopotamus")
		}
		if shown != (role == hub.Premium) {
			t.Errorf("a %s is shown the text: %v", role, shown)
		}
	}
}

// What is too much is refused before it is done, and says what would be less.
func TestGraphQLBounds(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	bomb := "{ ...f0 }"
	for i := range 40 {
		bomb += fmt.Sprintf(" fragment f%d on Query { a%d: courses { id } ...f%d ...f%d }", i, i, i+1, i+1)
	}
	bomb += " fragment f40 on Query { courses { id } }"
	for name, tt := range map[string]struct{ query, says string }{
		"deep":                  {"{ courses { lessons { quiz " + strings.Repeat("{ questions ", 12) + strings.Repeat("}", 12) + " } } }", "fields deep"},
		"deep in fragments":     {"{ ...a } fragment a on Query { courses { ...b } } fragment b on Course { " + strings.Repeat("progress { lessons { ", 6) + "title " + strings.Repeat("} } ", 6) + "}", "fields deep"},
		"wide":                  {"{ courses { " + strings.Repeat("id ", 600) + "} }", "500 fields"},
		"an explosion":          {bomb, "500 fields"},
		"a circle":              {"{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", "within itself"},
		"dear":                  {"{ courses(first: 100) { lessons { quiz { questions { choices { text } } } body } labs { session { steps { title } } } } }", "This costs"},
		"dear by aliases":       {"{ " + repeat(20, "a%d: courses(first: 100) { lessons { id } }") + "}", "This costs"},
		"many fields of Query":  {"{ " + repeat(21, "a%d: me { id }") + "}", "21 fields"},
		"in fragments":          {"{ ...a ...b } fragment a on Query { " + repeat(11, "a%d: me { id }") + "} fragment b on Query { " + repeat(11, "b%d: me { id }") + "}", "22 fields"},
		"many tokens":           {"{ courses(filter: {query: \"x\"}) { id } " + strings.Repeat(", @ ! ", 3000) + "}", ""},
		"long":                  {"{ " + strings.Repeat("x", 1<<16) + " }", "longer than"},
		"braces":                {strings.Repeat("{", 5000), ""},
		"a list of lists":       {"{ courses(after: " + strings.Repeat("[", 1500) + strings.Repeat("]", 1500) + ") { id } }", ""},
		"nothing":               {"", "no operation"},
		"a fragment alone":      {"fragment a on Query { courses { id } }", "no operation"},
		"no such operation":     {"subscription { labs { id } }", ""},
		"two without a name":    {"query a { me { id } } query b { me { id } }", "operationName"},
		"in pieces":             {"{ ... @defer { courses { id } } }", "defer"},
		"a text with a NUL":     {`{ lab(id: "a\u0000b") { id } }`, "character"},
		"no such field":         {"{ password }", "password"},
		"no such argument":      {"{ courses(sql: 1) { id } }", "sql"},
		"a variable not given":  {"query($c: ID!) { course(id: $c) { id } }", "c: "},
		"a word that is none":   {"{ courses(filter: {level: guru}) { id } }", "guru"},
		"a list in a text":      {"{ course(id: [1]) { id } }", ""},
		"introspection, deep":   {"{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }", "introspection depth"},
		"a number out of range": {"{ courses(first: 99999999999999999999) { id } }", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := graph(t, api, "", tt.query, nil)
			if g.status != http.StatusBadRequest && (name != "a number out of range" || g.status != http.StatusOK) || len(g.Errors) == 0 || g.Data["courses"] != nil {
				t.Fatalf("%d %.500s", g.status, g.body)
			}
			e := g.Errors[0]
			if e.Extensions.Code != hub.Invalid || e.Extensions.Next == "" || !strings.Contains(e.Message, tt.says) {
				t.Errorf("%+v, want %q", e, tt.says)
			}
			if len(g.Errors) > 20 {
				t.Errorf("%d errors", len(g.Errors))
			}
		})
	}
}

func repeat(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+" ", i)
	}
	return b.String()
}

// Bodies and methods are as strict as everywhere, and one operation is one
// request.
func TestGraphQLRequests(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	for name, tt := range map[string]struct {
		method, body, contentType string
		status                    int
	}{
		"GET":            {"GET", "", "", 405},
		"a form":         {"POST", "query={courses{id}}", "application/x-www-form-urlencoded", 415},
		"plain text":     {"POST", `{"query":"{courses{id}}"}`, "text/plain", 415},
		"no type":        {"POST", `{"query":"{courses{id}}"}`, "", 415},
		"GraphQL itself": {"POST", `{courses{id}}`, "application/graphql", 415},
		"a batch":        {"POST", `[{"query":"{courses{id}}"},{"query":"{courses{id}}"}]`, "application/json", 422},
		"an empty batch": {"POST", ` []`, "application/json", 422},
		"unknown":        {"POST", `{"query":"{courses{id}}","sql":""}`, "application/json", 422},
		"twice":          {"POST", `{"query":"{courses{id}}","query":"{me{id}}"}`, "application/json", 422},
		"a NUL":          {"POST", `{"query":"query($a:String){courses(after:$a){id}}","variables":{"a":"\u0000"}}`, "application/json", 422},
		"deep variables": {"POST", `{"query":"{courses{id}}","variables":{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}}`, "application/json", 422},
		"a megabyte+":    {"POST", `{"query":"` + strings.Repeat("a", 1<<20) + `"}`, "application/json", 413},
		"all of it":      {"POST", `{"query":"query a{courses{id}} query b{labs{id}}","operationName":"b","variables":null,"extensions":{"x":1}}`, "application/json", 200},
	} {
		got := send(t, api, tt.method, "/v1/graphql", "", tt.body, "Content-Type", tt.contentType)
		if got.status != tt.status {
			t.Errorf("%s: %d %.300s, want %d", name, got.status, got.body, tt.status)
		}
	}
	got := send(t, api, "POST", "/api/v1/graphql", "", `{"query":"{ courses { id } }"}`, "Accept", "application/graphql-response+json, application/json;q=0.9")
	if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "application/graphql-response+json") {
		t.Errorf("%d as %s", got.status, got.header.Get("Content-Type"))
	}
}

// Each root field counts as a request, whatever it is called.
func TestGraphQLCountsItsFields(t *testing.T) {
	t.Parallel()
	api := apitest.New(t, allow(app.Limits{Guest: 12}))
	got := graph(t, api, "", "{ "+repeat(5, "a%d: courses { id }")+"__typename }", nil)
	if got.status != http.StatusOK || !strings.Contains(got.header.Get("RateLimit"), "r=7;") {
		t.Errorf("%d %s", got.status, got.header.Get("RateLimit"))
	}
	over := send(t, api, "POST", "/v1/graphql", "", `{"query":"{ `+repeat(8, "a%d: courses { id }")+`}"}`)
	if over.status != http.StatusTooManyRequests || over.header.Get("Retry-After") == "" || !strings.Contains(over.header.Get("Content-Type"), "problem+json") {
		t.Errorf("%d %s", over.status, over.body)
	}
}

// An operator may keep the schema to the hub.
func TestGraphQLMayHideItsSchema(t *testing.T) {
	t.Parallel()
	api := apitest.New(t, func(a *app.App) { a.HideSchema = true })
	for query, says := range map[string]string{
		"{ __schema { types { name } } }":                                     "does not tell its schema",
		`{ __type(name: "User") { name } }`:                                   "does not tell its schema",
		"{ ...a } fragment a on Query { x: __schema { types { name } } }":     "does not tell its schema",
		"{ corses { id } }":                                                   "Cannot query field",
		"{ courses(frst: 1) { id } }":                                         "Unknown argument",
		"{ courses(filter: {level: beginer}) { id } }":                        "beginer",
		"query($f: CourseFiltr) { courses(filter: $f) { id } }":               "CourseFiltr",
		`{ courses(filter: {provder: aws}) { id } }`:                          "provder",
		"{ courses { ... on Curse { id } } }":                                 "Curse",
		"{ courses { lessons } }":                                             "",
		`mutation { updateProgress(input: {courseID: "a"}) { lessonId } }`:    "",
		"{ courses(filter: {level: 1, provider: \"awss\"}) { id } }":          "",
		"query($p: Provder = aws) { courses(filter: {provider: $p}) { id } }": "Provder",
	} {
		g := graph(t, api, "", query, nil)
		if g.status != http.StatusBadRequest || len(g.Errors) == 0 {
			t.Fatalf("%s: %d %s", query, g.status, g.body)
		}
		for _, e := range g.Errors {
			if strings.Contains(e.Message, "Did you mean") {
				t.Errorf("%s hints: %s", query, e.Message)
			}
		}
		if !strings.Contains(g.Errors[0].Message, says) {
			t.Errorf("%s: %s", query, g.Errors[0].Message)
		}
	}
	if g := graph(t, api, "", "{ __typename courses { __typename id } }", nil); g.status != http.StatusOK || string(g.Data["__typename"]) != `"Query"` {
		t.Errorf("__typename: %d %s", g.status, g.body)
	}
}

// A change is done once for a key; a query has no use for one.
func TestGraphQLChangesOnce(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "open")
	token := api.Token(t, api.User(t, hub.Free))
	const change = `mutation { enrollInCourse(courseId: "open") { version createdAt } }`
	first := graph(t, api, token, change, nil, "Idempotency-Key", "one")
	again := graph(t, api, token, change, nil, "Idempotency-Key", "one")
	if first.status != http.StatusOK || len(first.Errors) > 0 || again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%s, then %s", first.body, again.body)
	}
	other := send(t, api, "POST", "/v1/graphql", token, `{"query":"mutation { enrollInCourse(courseId: \"open\") { version } }"}`, "Idempotency-Key", "one")
	if other.status != http.StatusUnprocessableEntity {
		t.Errorf("another change: %d %s", other.status, other.body)
	}
	for _, enrolled := range []string{"true", "true"} {
		g := graph(t, api, token, `{ course(id: "open") { enrolled } }`, nil, "Idempotency-Key", "one")
		if g.status != http.StatusOK || !strings.Contains(string(g.Data["course"]), enrolled) || g.header.Get("Idempotency-Replayed") != "" {
			t.Errorf("a query: %d %s", g.status, g.body)
		}
	}
}

// Any request is answered: with what was asked for, or with what is wrong with it.
func FuzzGraphQL(f *testing.F) {
	for _, query := range asGraph {
		f.Add(query, `{"c":"open","l":"counting","lab":"open-lab"}`)
	}
	f.Add("{ ...a } fragment a on Query { ...a }", "{}")
	f.Add(`query($f: CourseFilter = {level: beginner}) { courses(filter: $f, first: 3) { lessons { body @include(if: true) } } }`, `{"f":{"query":"x"}}`)
	f.Add(`mutation($i: [ProgressInput!]!) { updateProgress(input: $i) { lessonId } }`, `{"i":{"courseId":"open","lessonId":"counting","progressPercentage":1e3}}`)
	f.Add(`mutation($t: Time) { updateProgress(input: {courseId: "open", lessonId: "counting", progressPercentage: 100, completedAt: $t}) { completedAt } }`, `{"t":7}`)
	f.Add("{ "+strings.Repeat("courses { ", 50)+strings.Repeat("} ", 50)+"}", "null")
	f.Add(`{ a: __type(name: "Query") { fields { args { type { ofType { name } } } } } """block""" }`, `{"a":[[[1]]]}`)
	f.Add("{ courses(after: \"\\ud800\", first: -0) { id } }", "[]")
	api := apitest.New(f)
	newAuthor(f, api, hub.Instructor).publish(f, "open")
	token := api.Token(f, api.User(f, hub.Free))
	f.Fuzz(func(t *testing.T, query, vars string) {
		body, err := json.Marshal(map[string]any{"query": query})
		if err != nil {
			t.Fatal(err)
		}
		if json.Valid([]byte(vars)) {
			body = append(body[:len(body)-1], []byte(`,"variables":`+vars+`}`)...)
		}
		got := send(t, api, "POST", "/v1/graphql", token, string(body))
		if got.status >= 500 || strings.Contains(got.body, `"code":"internal"`) || strings.Contains(got.body, "SQLSTATE") {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
}
