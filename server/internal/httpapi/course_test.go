package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// sampleCourse is the folder of package courses' tests, under another slug.
func sampleCourse(t testing.TB, slug string) *courses.Course {
	t.Helper()
	c, err := courses.Read(os.DirFS("../../../courses/testdata/course"))
	if err != nil {
		t.Fatal(err)
	}
	c.Document.Slug = slug
	c.Labs[0].Slug, c.Document.Labs[0].ID, c.Document.Lessons[0].Lab = slug+"-lab", slug+"-lab", slug+"-lab"
	return c
}

// author publishes for a test.
type author struct{ app.Actor }

func newAuthor(t testing.TB, api *apitest.API, role hub.Role) author {
	t.Helper()
	u, err := api.User(t, role).Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return author{api.App.As(u)}
}

func (a author) publish(t testing.TB, slug string, changes ...func(*hub.Course)) hub.Course {
	t.Helper()
	c := sampleCourse(t, slug)
	for _, change := range changes {
		change(&c.Document)
	}
	done, err := a.Publish(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func premium(c *hub.Course)                 { c.Free = false }
func titled(title string) func(*hub.Course) { return func(c *hub.Course) { c.Title = title } }

func slugs(t testing.TB, c *client.Client, f hub.CourseFilter) []string {
	t.Helper()
	page, err := c.Courses(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, course := range page.Items {
		found = append(found, course.Slug)
	}
	return found
}

func TestCoursesCanBeFilteredAndSearched(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	a.publish(t, "kube", titled("Kubernetes networking"), func(c *hub.Course) { c.Provider, c.Level = "gcp", "advanced" })
	a.publish(t, "iam", titled("Identity and access"), func(c *hub.Course) { c.Provider, c.Category = "aws", "security" })
	a.publish(t, "shell", titled("The Linux shell"), func(c *hub.Course) {
		c.Lessons[0].Body += "\nA word found nowhere else: perspicacious.\n"
	})
	learner := api.User(t, hub.Free)
	if _, err := learner.Enroll(t.Context(), "iam"); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		f    hub.CourseFilter
		want []string
	}{
		"all, by title":           {hub.CourseFilter{}, []string{"iam", "kube", "shell"}},
		"provider":                {hub.CourseFilter{Provider: "aws"}, []string{"iam"}},
		"level":                   {hub.CourseFilter{Level: "advanced"}, []string{"kube"}},
		"category, any case":      {hub.CourseFilter{Category: "Security"}, []string{"iam"}},
		"own":                     {hub.CourseFilter{Enrolled: true}, []string{"iam"}},
		"title":                   {hub.CourseFilter{Query: "kubernetes"}, []string{"kube"}},
		"another form of a word":  {hub.CourseFilter{Query: "network"}, []string{"kube"}},
		"body":                    {hub.CourseFilter{Query: "perspicacious"}, []string{"shell"}},
		"title before body":       {hub.CourseFilter{Query: "linux or counting"}, []string{"shell", "iam", "kube"}},
		"left out":                {hub.CourseFilter{Query: "counting -shell -kubernetes"}, []string{"iam"}},
		"misspelled":              {hub.CourseFilter{Query: "kuberntes"}, []string{"kube"}},
		"misspelled, two words":   {hub.CourseFilter{Query: "linx shel"}, []string{"shell"}},
		"misspelled and filtered": {hub.CourseFilter{Query: "kuberntes", Provider: "aws"}, []string{}},
		"nothing like it":         {hub.CourseFilter{Query: "zebra"}, []string{}},
		"operators":               {hub.CourseFilter{Query: `"'; DROP TABLE courses; -- $$ % _ \ & | ! ( ) :*`}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, slugs(t, learner, tc.f)); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, query := range []string{"provider=ibm", "level=guru", "limit=0", "limit=101", "limit=x", "enrolled=maybe", "cursor=x", "q=" + strings.Repeat("x", 201), "q=%00"} {
		if got := send(t, api, http.MethodGet, "/v1/courses?"+query, "", ""); got.status != http.StatusBadRequest && got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	_, err := api.Guest().Courses(t.Context(), hub.CourseFilter{Enrolled: true})
	apitest.Code(t, err, hub.Unauthenticated)
}

func TestPagesHaveNoGapsWhileCoursesAreAdded(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	for i := range 7 {
		a.publish(t, fmt.Sprintf("c%d", i), titled(fmt.Sprintf("Course %d", i/2))) // titles repeat
	}
	seen := map[string]int{}
	f := hub.CourseFilter{Paging: hub.Paging{Limit: 2}}
	var cursor string
	for n := 0; ; n++ {
		page, err := api.Guest().Courses(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Items {
			seen[c.Slug]++
		}
		a.publish(t, fmt.Sprintf("new%d", n), titled("A course before all others"))
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
		cursor = page.Next
	}
	for i := range 7 {
		if slug := fmt.Sprintf("c%d", i); seen[slug] != 1 {
			t.Errorf("%s was listed %d times", slug, seen[slug])
		}
	}
	other := hub.CourseFilter{Level: "beginner", Paging: hub.Paging{Limit: 2, Cursor: cursor}}
	_, err := api.Guest().Courses(t.Context(), other)
	apitest.Code(t, err, hub.Invalid) // issued for another list
	broken := []byte(cursor)
	broken[len(broken)/2] ^= 1
	f.Cursor = string(broken)
	_, err = api.Guest().Courses(t.Context(), f)
	apitest.Code(t, err, hub.Invalid)
}

func TestWhoMayReadWhat(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	a.publish(t, "open")
	a.publish(t, "paid", premium)
	for _, tc := range []struct {
		role  hub.Role
		reads bool
	}{{hub.Guest, false}, {hub.Free, false}, {hub.Premium, true}, {hub.Instructor, true}, {hub.Admin, true}} {
		t.Run(string(tc.role), func(t *testing.T) {
			t.Parallel()
			c := api.Guest()
			if tc.role != hub.Guest {
				c = api.User(t, tc.role)
			}
			l, err := c.Lesson(t.Context(), "open", "counting")
			if err != nil || !strings.Contains(l.Body, "Hippopotamus") || len(l.Quiz.Questions) != 3 {
				t.Errorf("a free lesson: %+v, %v", l, err)
			}
			course, err := c.Course(t.Context(), "paid")
			if err != nil || len(course.Lessons) != 2 || course.Lessons[0].Body != "" {
				t.Fatalf("outline: %+v, %v", course, err)
			}
			if asked := len(course.Lessons[0].Quiz.Questions) > 0; asked != tc.reads {
				t.Errorf("questions are shown: %v", asked)
			}
			l, err = c.Lesson(t.Context(), "paid", "counting")
			switch {
			case tc.reads && (err != nil || l.Body == ""):
				t.Errorf("got %+v, %v", l, err)
			case !tc.reads:
				apitest.Code(t, err, hub.Forbidden)
				if !strings.Contains(hub.MessageOf(err), "premium") || l.Body != "" {
					t.Errorf("got %v %+v", err, l)
				}
			}
			if tc.role == hub.Free {
				_, err = c.Enroll(t.Context(), "paid")
				apitest.Code(t, err, hub.Forbidden)
				_, err = c.RecordProgress(t.Context(), []hub.ProgressEntry{{CourseID: "paid", LessonID: "counting", ProgressPercentage: 1}})
				apitest.Code(t, err, hub.Forbidden)
				_, err = c.TakeQuiz(t.Context(), "paid", "counting", hub.QuizAnswers{Answers: map[string][]string{}})
				apitest.Code(t, err, hub.Forbidden)
				if own := slugs(t, c, hub.CourseFilter{Enrolled: true}); len(own) != 0 {
					t.Errorf("refused, and enrolled in %v", own)
				}
			}
		})
	}
}

func TestNothingPremiumLeaks(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "paid", premium)
	token := api.Token(t, api.User(t, hub.Free))
	for _, path := range []string{"/v1/courses", "/v1/courses?q=hippopotamus", "/v1/courses/paid", "/v1/courses/paid/lessons", "/v1/courses/paid/lessons/counting"} {
		body := send(t, api, http.MethodGet, path, token, "").body
		for _, secret := range []string{"Hippopotamus", "What counts lines", "short for word count", "tcp 443", "wc -l </etc/passwd"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s gives away %q", path, secret)
			}
		}
	}
	premiumToken := api.Token(t, api.User(t, hub.Premium))
	for _, path := range []string{"/v1/courses", "/v1/courses/paid", "/v1/courses/paid/lessons", "/v1/courses/paid/lessons/counting"} {
		body := send(t, api, http.MethodGet, path, premiumToken, "").body
		for _, secret := range []string{"short for word count", "tcp 443", "wc -l </etc/passwd", `"right"`} {
			if strings.Contains(body, secret) {
				t.Errorf("%s gives a premium learner %q before they answer", path, secret)
			}
		}
	}
}

func TestMissingThings(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publish(t, "here")
	c := api.User(t, hub.Free)
	for _, course := range []string{"absent", "c2a4f3f0-0000-4000-8000-000000000000", "../here", "HERE", "s-abcdefghij", strings.Repeat("x", 190), "'"} {
		_, err := c.Course(t.Context(), course)
		apitest.Code(t, err, hub.NotFound)
		_, err = c.Enroll(t.Context(), course)
		apitest.Code(t, err, hub.NotFound)
	}
	_, err := c.Lesson(t.Context(), "here", "absent")
	apitest.Code(t, err, hub.NotFound)
	course, err := c.Course(t.Context(), "here")
	if err != nil {
		t.Fatal(err)
	}
	if byID, err := c.Course(t.Context(), course.ID); err != nil || byID.Slug != "here" {
		t.Errorf("by id: %+v, %v", byID, err)
	}
	_, err = api.Guest().Enroll(t.Context(), "here")
	apitest.Code(t, err, hub.Unauthenticated)
}

func TestVersionsNeverChangeUnderALearner(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	if v := a.publish(t, "moving").Version; v != 1 {
		t.Fatalf("version %d", v)
	}
	if v := a.publish(t, "moving").Version; v != 1 {
		t.Errorf("the same content made version %d", v)
	}
	c := api.User(t, hub.Free)
	first, err := c.Enroll(t.Context(), "moving")
	if err != nil || first.Version != 1 || first.Course != "moving" {
		t.Fatalf("got %+v, %v", first, err)
	}
	again, err := c.Enroll(t.Context(), "moving")
	if diff := cmp.Diff(first, again); diff != "" || err != nil {
		t.Errorf("enrolling again: %s %v", diff, err)
	}
	rewrite := func(d *hub.Course) { d.Lessons[1].Body = "# Rewritten\n" }
	if v := a.publish(t, "moving", rewrite).Version; v != 2 {
		t.Fatalf("version %d", v)
	}
	if l, err := c.Lesson(t.Context(), "moving", "sorting"); err != nil || !strings.HasPrefix(l.Body, "# Sorting") {
		t.Errorf("the lesson changed under its reader: %q, %v", l.Body, err)
	}
	if l, err := api.Guest().Lesson(t.Context(), "moving", "sorting"); err != nil || l.Body != "# Rewritten\n" {
		t.Errorf("a guest reads %q, %v", l.Body, err)
	}
	if e, err := c.Enroll(t.Context(), "moving"); err != nil || e.Version != 2 || !e.CreatedAt.Equal(first.CreatedAt) {
		t.Errorf("taking the newest version: %+v, %v", e, err)
	}
	if l, _ := c.Lesson(t.Context(), "moving", "sorting"); l.Body != "# Rewritten\n" {
		t.Errorf("after that: %q", l.Body)
	}
}

func TestPublishingIsForOwners(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	mine, other, admin := newAuthor(t, api, hub.Instructor), newAuthor(t, api, hub.Instructor), newAuthor(t, api, hub.Admin)
	mine.publish(t, "mine")
	_, err := other.Publish(t.Context(), sampleCourse(t, "mine"))
	apitest.Code(t, err, hub.Forbidden)
	taken := sampleCourse(t, "other")
	taken.Labs[0].Slug = "mine-lab"
	_, err = other.Publish(t.Context(), taken)
	apitest.Code(t, err, hub.Conflict)
	if !strings.Contains(hub.MessageOf(err), "mine-lab") {
		t.Errorf("got %v", err)
	}
	if v := admin.publish(t, "mine", titled("By an admin")).Version; v != 2 {
		t.Errorf("version %d", v)
	}
	if v := mine.publish(t, "mine", titled("By its author")).Version; v != 3 {
		t.Errorf("version %d: an admin took the course over", v)
	}
	for _, role := range []hub.Role{hub.Free, hub.Premium} {
		_, err := newAuthor(t, api, role).Publish(t.Context(), sampleCourse(t, "x"))
		apitest.Code(t, err, hub.Forbidden)
	}
	_, err = api.App.As(app.Guest).Publish(t.Context(), sampleCourse(t, "x"))
	apitest.Code(t, err, hub.Unauthenticated)
}

func TestLabsComeAndGoWithTheirCourse(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	a := newAuthor(t, api, hub.Instructor)
	a.publish(t, "with")
	find := func() error {
		return api.App.DB.InTx(t.Context(), func(ctx context.Context, tx postgres.Tx) error {
			v, err := tx.Lab(ctx, "with-lab")
			if err == nil && (v.Lab.Title != "Count the lines" || v.Lab.Course != "with" || !v.Lab.Free) {
				t.Errorf("got %+v", v.Lab)
			}
			return err
		})
	}
	if err := find(); err != nil {
		t.Fatal(err)
	}
	without := sampleCourse(t, "with")
	without.Labs, without.Document.Labs, without.Document.Lessons[0].Lab = nil, nil, ""
	if _, err := a.Publish(t.Context(), without); err != nil {
		t.Fatal(err)
	}
	apitest.Code(t, find(), hub.NotFound)
	a.publish(t, "with")
	if err := find(); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

func TestServersThatStartAtOncePublishOnce(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := api.App.PublishStarter(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	page, err := api.Guest().Courses(t.Context(), hub.CourseFilter{})
	if err != nil || len(page.Items) == 0 {
		t.Fatalf("got %d courses, %v", len(page.Items), err)
	}
	for _, c := range page.Items {
		if c.Version != 1 {
			t.Errorf("%s was published %d times", c.Slug, c.Version)
		}
	}
}
