package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// graphed is an answer of GraphQL.
type graphed struct {
	Data   map[string]json.RawMessage `json:"data"`
	Errors []struct {
		Message    string `json:"message"`
		Path       []any  `json:"path"`
		Extensions struct {
			Code   hub.Code         `json:"code"`
			Status int              `json:"status"`
			Next   string           `json:"next"`
			Errors []hub.FieldError `json:"errors"`
		} `json:"extensions"`
	} `json:"errors"`

	response
}

// graph asks by hand.
func graph(t testing.TB, api *apitest.API, token, query string, vars map[string]any, headers ...string) graphed {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		t.Fatal(err)
	}
	g := graphed{response: send(t, api, http.MethodPost, "/v1/graphql", token, string(body), headers...)}
	if err := json.Unmarshal([]byte(g.body), &g); err != nil {
		t.Fatalf("%d %s: %v", g.status, g.body, err)
	}
	return g
}

// Who learns asks for a course, enrolls, says how far they are, and sees it.
func TestGraphQL(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	course := a.publish(t, "shell")
	c := api.User(t, hub.Free)
	ctx := t.Context()
	lesson := course.Lessons[0]

	var read struct {
		Me      struct{ Username, Role string }
		Courses []struct {
			ID, Slug, Level string
			Lessons         []struct {
				ID, Title string
				Body      *string
				Quiz      *struct {
					Questions []struct {
						ID, Kind, Prompt string
						Choices          []struct{ ID, Text string }
					}
				}
			}
			Labs     []struct{ ID, Course string }
			Progress *struct{ ProgressPercentage int }
		}
	}
	const query = `query Front($level: Level) {
		me { username role }
		courses(filter: {level: $level}) { id slug level lessons { ...lesson } labs { id course } progress { progressPercentage } }
	}
	fragment lesson on Lesson { id title body quiz { questions { id kind prompt choices { id text } } } }`
	if err := c.GraphQL(ctx, query, map[string]any{"level": course.Level}, &read); err != nil {
		t.Fatal(err)
	}
	whole, err := c.Lesson(ctx, "shell", lesson.ID)
	if err != nil {
		t.Fatal(err)
	}
	switch got := read.Courses; {
	case read.Me.Role != "free" || len(got) != 1 || got[0].ID != course.ID || got[0].Level != course.Level || got[0].Progress != nil:
		t.Errorf("%+v", read)
	case len(got[0].Lessons) != len(course.Lessons) || got[0].Lessons[0].Body == nil || *got[0].Lessons[0].Body != whole.Body:
		t.Errorf("lessons: %+v", got[0].Lessons)
	case len(got[0].Labs) != len(course.Labs) || got[0].Labs[0].Course != "shell":
		t.Errorf("labs: %+v", got[0].Labs)
	}

	var changed struct {
		EnrollInCourse struct {
			Version int
			Course  struct{ Enrolled bool }
		}
		UpdateProgress []struct {
			LessonID           string `json:"lessonId"`
			ProgressPercentage int
			CompletedAt        *string
			Course             struct{ LessonsDone int }
		}
		Again []struct{ Course struct{ LessonsDone int } }
	}
	err = c.GraphQL(ctx, `mutation($c: ID!, $l: ID!, $other: ID!) {
		enrollInCourse(courseId: $c) { version course { enrolled } }
		updateProgress(input: {courseId: $c, lessonId: $l, progressPercentage: 100}) { lessonId progressPercentage completedAt course { lessonsDone } }
		again: updateProgress(input: [{courseId: $c, lessonId: $other, progressPercentage: 100}]) { course { lessonsDone } }
	}`, map[string]any{"c": "shell", "l": lesson.ID, "other": course.Lessons[1].ID}, &changed)
	if err != nil {
		t.Fatal(err)
	}
	if u := changed.UpdateProgress; !changed.EnrollInCourse.Course.Enrolled || len(u) != 1 || u[0].ProgressPercentage != 100 || u[0].CompletedAt == nil ||
		u[0].Course.LessonsDone != 1 || changed.Again[0].Course.LessonsDone != 2 {
		t.Errorf("%+v", changed)
	}
	var merits struct {
		Me struct {
			Achievements []struct {
				ID       string
				EarnedAt *string
			}
			Streak struct{ Current int }
		}
	}
	if err := c.GraphQL(ctx, `{ me { achievements { id earnedAt } streak { current } } }`, nil, &merits); err != nil {
		t.Fatal(err)
	}
	if m := merits.Me; m.Streak.Current != 1 || len(m.Achievements) == 0 || m.Achievements[0].EarnedAt == nil {
		t.Errorf("two lessons, and %+v", m)
	}
	stands, err := c.Progress(ctx)
	if err != nil || len(stands) != 1 || stands[0].LessonsDone != 2 {
		t.Errorf("REST says %+v, %v", stands, err)
	}
}

// Pages of a list have no gaps, and their cursors are REST's.
func TestGraphQLPages(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	for i := range 5 {
		a.publish(t, fmt.Sprintf("c%d", i))
	}
	var found []string
	after := ""
	for range 3 {
		var page struct {
			CoursesConnection struct {
				Nodes    []struct{ Slug string }
				PageInfo struct {
					HasNextPage bool
					EndCursor   *string
				}
			}
		}
		vars := map[string]any{}
		if after != "" {
			vars["after"] = after
		}
		if err := api.Guest().GraphQL(t.Context(), `query($after: String) { coursesConnection(first: 2, after: $after) { nodes { slug } pageInfo { hasNextPage endCursor } } }`, vars, &page); err != nil {
			t.Fatal(err)
		}
		for _, c := range page.CoursesConnection.Nodes {
			found = append(found, c.Slug)
		}
		info := page.CoursesConnection.PageInfo
		if info.HasNextPage != (len(found) < 5) || info.HasNextPage != (info.EndCursor != nil) {
			t.Fatalf("after %v: %+v", found, info)
		}
		if info.EndCursor != nil {
			after = *info.EndCursor
		}
	}
	if want := slugs(t, api.Guest(), hub.CourseFilter{}); !slices.Equal(found, want) {
		t.Errorf("%v, REST %v", found, want)
	}
	rest, err := api.Guest().Courses(t.Context(), hub.CourseFilter{Paging: hub.Paging{Limit: 2, Cursor: after}})
	if err != nil || len(rest.Items) != 1 {
		t.Errorf("its cursor in REST: %+v, %v", rest, err)
	}
	for _, args := range []string{"first: 0", "first: 101", "first: -1", `after: "x"`, `filter: {query: "` + strings.Repeat("x", 300) + `"}`} {
		if g := graph(t, api, "", "{ courses("+args+") { id } }", nil); len(g.Errors) != 1 || g.Errors[0].Extensions.Code != hub.Invalid || g.status != http.StatusOK {
			t.Errorf("%s: %d %s", args, g.status, g.body)
		}
	}
}

// asGraph is how a row of the table is asked for, about a course.
var asGraph = map[string]string{
	"Query.me":                `{ me { id username } }`,
	"Query.courses":           `{ courses(first: 1) { id } }`,
	"Query.coursesConnection": `{ coursesConnection(first: 1) { pageInfo { endCursor } } }`,
	"Query.course":            `query($c: ID!) { course(id: $c) { id } }`,
	"Query.lesson":            `query($c: ID!, $l: ID!) { lesson(courseId: $c, id: $l) { id body } }`,
	"Query.labs":              `{ labs(first: 1) { id } }`,
	"Query.labsConnection":    `{ labsConnection(first: 1) { nodes { id } } }`,
	"Query.lab":               `query($lab: ID!) { lab(id: $lab) { id instructions steps { text } } }`,
	"Query.labSession":        `{ labSession(id: "s-nothing") { id } }`,
	"Query.labHistory":        `{ labHistory(first: 2) { nodes { id outcome checksPassed minutes } pageInfo { endCursor } } }`,
	"Query.progress":          `{ progress { courseId } }`,
	"Query.achievements":      `{ achievements { id progress goal earnedAt } }`,
	"Query.streak":            `{ streak { current longest today lastDay timezone } }`,
	"Mutation.enrollInCourse": `mutation($c: ID!) { enrollInCourse(courseId: $c) { version } }`,
	"Mutation.updateProgress": `mutation($c: ID!, $l: ID!) { updateProgress(input: {courseId: $c, lessonId: $l, progressPercentage: 1}) { lessonId } }`,
	"Mutation.startLab":       `mutation($lab: ID!) { startLab(labId: $lab) { id } }`,
	"User.progress":           `{ me { progress { courseId } } }`,
	"User.achievements":       `{ me { achievements { title } } }`,
	"User.streak":             `{ me { streak { current } } }`,
	"User.labSessions":        `{ me { labSessions { id } } }`,
	"Course.progress":         `query($c: ID!) { course(id: $c) { progress { title } } }`,
	"Lesson.progress":         `query($c: ID!) { course(id: $c) { lessons { progress { title } } } }`,
	"Lab.progress":            `query($c: ID!) { course(id: $c) { labs { progress { title } } } }`,
	"Lab.session":             `query($c: ID!) { course(id: $c) { labs { session { id } } } }`,
	"Enrollment.course":       `mutation($c: ID!) { enrollInCourse(courseId: $c) { course { id } } }`,
	"Progress.course":         `mutation($c: ID!, $l: ID!) { updateProgress(input: {courseId: $c, lessonId: $l, progressPercentage: 1}) { course { title } } }`,
}

func rows() (ops []access.Operation) {
	for _, o := range access.Table {
		if !strings.Contains(o.Name, " ") && !o.OverSSH() {
			ops = append(ops, o)
		}
	}
	return ops
}

// Every field of the table is asked for in every role: the answer is what its row
// says, as it is for the operations of REST.
func TestEveryGraphFieldInEveryRole(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	free, paid := a.publish(t, "open"), a.publish(t, "paid", premium)
	for _, role := range access.Roles {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			for _, o := range rows() {
				query := asGraph[o.Name]
				if query == "" {
					t.Errorf("%s has a row, and nobody here asks for it", o.Name)
					continue
				}
				for course, c := range map[string]hub.Course{"free": free, "premium": paid} {
					token := ""
					if role != hub.Guest {
						token = api.Token(t, api.User(t, role))
					}
					vars := map[string]any{}
					for name, v := range map[string]string{"c": c.Slug, "l": c.Lessons[0].ID, "lab": c.Labs[0].ID} {
						if strings.Contains(query, "$"+name+":") {
							vars[name] = v
						}
					}
					g := graph(t, api, token, query, vars)
					status := g.status
					for _, e := range g.Errors {
						status = e.Extensions.Status
					}
					// What lies below a course that isn't theirs to take is told when that is.
					cell := o.Cell(role)
					if strings.HasPrefix(query, "mutation") && cell == access.Own {
						cell = access.Learners[access.Rank(role)]
					}
					if why := fits(cell, course == "free", status); why != "" {
						t.Errorf("%s, %s course: %s, but answers %s", o.Name, course, why, g.body)
					}
				}
			}
		})
	}
}

// A key reaches no field that its scopes don't name, wherever the field is.
func TestGraphQLHeedsScopes(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	c := newAuthor(t, api, hub.Instructor).publish(t, "open")
	u := api.User(t, hub.Instructor)
	vars := map[string]string{"c": c.Slug, "l": c.Lessons[0].ID, "lab": c.Labs[0].ID}
	for _, held := range hub.Scopes {
		made, err := u.CreateAPIKey(t.Context(), hub.NewAPIKey{Scopes: []hub.Scope{held}, ExpiresIn: 3600})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range rows() {
			given := map[string]any{}
			for name, v := range vars {
				if strings.Contains(asGraph[o.Name], "$"+name+":") {
					given[name] = v
				}
			}
			g := graph(t, api, made.Token, asGraph[o.Name], given)
			var lacks bool
			for _, e := range g.Errors {
				lacks = lacks || e.Extensions.Code == hub.Forbidden && strings.Contains(e.Message, string(o.Scope))
			}
			parent := outer(o.Name)
			reached := parent == "" || held.Holds(parent)
			if want := reached && !held.Holds(o.Scope); lacks != want && (reached || o.Scope != parent) {
				t.Errorf("a key with %s asks for %s: %s", held, o.Name, g.body)
			}
		}
	}
}

// outer is the scope of the field that a row's field is asked for below.
func outer(name string) hub.Scope {
	for prefix, scope := range map[string]hub.Scope{
		"User.": hub.AccountRead, "Course.": hub.CoursesRead, "Lesson.": hub.CoursesRead, "Lab.": hub.CoursesRead,
		"Enrollment.": hub.ProgressWrite, "Progress.": hub.ProgressWrite,
	} {
		if strings.HasPrefix(name, prefix) {
			return scope
		}
	}
	return ""
}

// Errors are typed, and the fields beside them are told.
func TestGraphQLErrorsAreTyped(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "open")
	var out struct {
		Courses []struct{ Slug string }
		Course  *struct{ Slug string }
	}
	err := api.Guest().GraphQL(t.Context(), `{ courses { slug } course(id: "nothing-like-it") { slug } }`, nil, &out)
	apitest.Code(t, err, hub.NotFound)
	failed, ok := errors.AsType[client.GraphErrors](err)
	if !ok || len(failed) != 1 || len(failed[0].Path) != 1 || failed[0].Path[0] != "course" || failed[0].Next == "" || failed[0].Err.RequestID == "" {
		t.Errorf("%#v", err)
	}
	if len(out.Courses) != 1 || out.Course != nil {
		t.Errorf("beside it: %+v", out)
	}
	err = api.Guest().GraphQL(t.Context(), `{ corses { slug } }`, nil, &out)
	apitest.Code(t, err, hub.Invalid)
	if err == nil || !strings.Contains(err.Error(), `Did you mean "courses"`) {
		t.Errorf("it doesn't help: %v", err)
	}
	apitest.Code(t, client.New(api.URL, client.Token("nonsense")).GraphQL(t.Context(), `{ courses { slug } }`, nil, &out), hub.Unauthenticated)
	limited := apitest.New(t, allow(app.Limits{Guest: 3}))
	apitest.Code(t, limited.Guest().GraphQL(t.Context(), `{ a: courses { slug } b: courses { slug } c: courses { slug } }`, nil, &out), "")
	apitest.Code(t, limited.Guest().GraphQL(t.Context(), `{ courses { slug } }`, nil, &out), hub.Limit)
}
