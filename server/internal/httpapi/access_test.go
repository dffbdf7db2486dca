package httpapi_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// rest are the rows of the table that the API has.
func rest() (ops []access.Operation) {
	for _, o := range access.Table {
		if method, _, _ := strings.Cut(o.Name, " "); method == strings.ToUpper(method) {
			ops = append(ops, o)
		}
	}
	return ops
}

// What is served has a row in the table, and each row of it is served.
func TestEveryRouteIsInTheTable(t *testing.T) {
	t.Parallel()
	var rows []string
	for _, o := range rest() {
		rows = append(rows, o.Name)
	}
	slices.Sort(rows)
	if diff := cmp.Diff(rows, httpapi.Operations(&app.App{})); diff != "" {
		t.Errorf("server/internal/access/table.go (-) and the route table (+) differ: an operation without a row answers nobody.\n%s", diff)
	}
}

// The document says of each operation which role and which scope it needs.
func TestTheDocumentSaysWhoMay(t *testing.T) {
	t.Parallel()
	paths := apitest.Document(t).Paths
	for _, o := range rest() {
		method, path, _ := strings.Cut(o.Name, " ")
		item := paths.Value(path)
		if item == nil || item.Operations()[method] == nil {
			continue // another test tells
		}
		doc := item.Operations()[method].Extensions
		if doc["x-role"] != string(o.Least()) || doc["x-scope"] != o.Key() {
			t.Errorf("%s: docs/openapi.yaml says x-role %v and x-scope %v, the table %s and %q", o.Name, doc["x-role"], doc["x-scope"], o.Least(), o.Key())
		}
	}
}

// asked is what a row is tried with: something flagged free, and something that
// isn't.
type asked struct{ path, body string }

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

func askFor(o access.Operation, c hub.Course) asked {
	_, path, _ := strings.Cut(o.Name, " ")
	lesson := c.Lessons[0].ID
	a := asked{path: placeholder.ReplaceAllStringFunc(path, func(name string) string {
		switch name {
		case "{course}":
			return c.Slug
		case "{lesson}":
			return lesson
		case "{lab}":
			return c.Labs[0].ID
		}
		return "00000000-0000-4000-8000-000000000000"
	})}
	switch {
	case strings.HasPrefix(o.Name, "GET ") || strings.HasPrefix(o.Name, "DELETE "):
	case strings.HasSuffix(path, "/quiz"):
		a.body = `{"answers":{}}`
	case path == "/v1/users/progress":
		a.body = fmt.Sprintf(`{"course_id":%q,"lesson_id":%q,"progress_percentage":1}`, c.ID, lesson)
	case strings.HasSuffix(path, "/watch"):
		a.body = `{"public_key":"x"}`
	case strings.HasSuffix(path, "/enroll"), strings.HasSuffix(path, "/start"):
	default: // refused by whoever reads it, which is behind the table
		a.body = `{"nothing":true}`
	}
	return a
}

// Every operation is asked for in every role: the answer is what its row says.
func TestEveryOperationInEveryRole(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	teacher := newAuthor(t, api, hub.Instructor)
	free, paid := teacher.publish(t, "open"), teacher.publish(t, "paid", premium)
	for _, role := range access.Roles {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			token := ""
			for _, o := range rest() {
				method, _, _ := strings.Cut(o.Name, " ")
				if role != hub.Guest && (token == "" || method != http.MethodGet) { // what one did must not change the next
					token = api.Token(t, api.User(t, role))
				}
				for course, c := range map[string]hub.Course{"free": free, "premium": paid} {
					a := askFor(o, c)
					for _, base := range []string{"", "/api"} {
						if base != "" && (!strings.HasPrefix(a.path, "/v1") || method != http.MethodGet) {
							continue
						}
						got := send(t, api, method, base+a.path, token, a.body)
						if why := fits(o.Cell(role), course == "free", got.status); why != "" {
							t.Errorf("%s%s, %s course: %s, but answers %d %s", base, o.Name, course, why, got.status, got.body)
						}
					}
				}
			}
		})
	}
}

// fits says what is wrong with an answer, or "".
func fits(c access.Cell, flaggedFree bool, status int) string {
	want := 0
	switch {
	case c == access.SignIn:
		want = http.StatusUnauthorized
	case c == access.No, c == access.Part && !flaggedFree:
		want = http.StatusForbidden
	case c == access.Hidden:
		want = http.StatusNotFound
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status >= 500:
		return "the table says " + string(c)
	}
	if want != 0 && status != want {
		return fmt.Sprintf("the table says %s, so %d", c, want)
	}
	return ""
}
