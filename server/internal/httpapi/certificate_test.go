package httpapi_test

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// publishBare publishes a course of lessons alone.
func (a author) publishBare(t testing.TB, slug string, changes ...func(*hub.Course)) {
	t.Helper()
	c := sampleCourse(t, slug)
	c.Labs = nil
	for _, change := range changes {
		change(&c.Document)
	}
	if _, err := a.Publish(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func complete(t *testing.T, c *client.Client, course string) {
	t.Helper()
	if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{entry(course, "counting", 100), entry(course, "sorting", 100)}); err != nil {
		t.Fatal(err)
	}
}

func certificates(t *testing.T, c *client.Client) []hub.Certificate {
	t.Helper()
	all, err := c.Certificates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestACourseThatIsCompletedIsCertifiedOnce(t *testing.T) {
	t.Parallel()
	api := apitest.New(t, func(a *app.App) { a.PublicURL = "https://hub.example" })
	author := newAuthor(t, api, hub.Instructor)
	author.publishBare(t, "bare", titled("Without labs"))
	c := api.User(t, hub.Free)
	if _, err := c.UpdateProfile(t.Context(), hub.ProfileUpdate{Profile: &hub.Profile{DisplayName: "Ada L."}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{entry("bare", "counting", 100), entry("bare", "sorting", 99)}); err != nil {
		t.Fatal(err)
	}
	if all := certificates(t, c); len(all) != 0 {
		t.Fatalf("certified what isn't completed: %+v", all)
	}
	for range 2 {
		complete(t, c, "bare")
	}
	all := certificates(t, c)
	if len(all) != 1 || all[0].Name != "Ada L." || all[0].Title != "Without labs" || all[0].Course != "bare" || all[0].IssuedAt.IsZero() {
		t.Fatalf("got %+v", all)
	}
	if !regexp.MustCompile(`^([a-z2-7]{4}-){3}[a-z2-7]{4}$`).MatchString(all[0].ID) || all[0].URL != "https://hub.example/certificates/"+all[0].ID {
		t.Errorf("got %+v", all[0])
	}
	if n := events(t, api, "certificate.issued"); n != 1 {
		t.Errorf("%d certificate.issued events, want 1", n)
	}
	if _, earned := reached(t, c); !strings.Contains(strings.Join(earned, " "), "first-course") {
		t.Errorf("earned %v", earned)
	}

	// It says what was so then, whatever becomes of the course and of the name.
	author.publishBare(t, "bare", titled("Another name"), func(c *hub.Course) { c.Lessons = c.Lessons[:1] })
	if _, err := c.UpdateProfile(t.Context(), hub.ProfileUpdate{Profile: &hub.Profile{DisplayName: "Somebody Else"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Enroll(t.Context(), "bare"); err != nil {
		t.Fatal(err)
	}
	if now := certificates(t, c); len(now) != 1 || now[0] != all[0] {
		t.Errorf("got %+v, want %+v", now, all)
	}
}

// Who lacks but a lesson that the newest version has no more, has completed it.
func TestTheNewestVersionMayHaveBeenCompleted(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	author := newAuthor(t, api, hub.Instructor)
	author.publishBare(t, "bare")
	c := api.User(t, hub.Free)
	if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{entry("bare", "counting", 100)}); err != nil {
		t.Fatal(err)
	}
	author.publishBare(t, "bare", func(c *hub.Course) { c.Lessons = c.Lessons[:1] })
	if all := certificates(t, c); len(all) != 0 {
		t.Fatalf("a version that they don't take counted: %+v", all)
	}
	if _, err := c.Enroll(t.Context(), "bare"); err != nil {
		t.Fatal(err)
	}
	if all := certificates(t, c); len(all) != 1 {
		t.Errorf("got %+v", all)
	}
}

// Two devices that complete a half each are certified together, once.
func TestHalvesThatMeetAreCertifiedOnce(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publishBare(t, "bare")
	for range 5 {
		c := api.User(t, hub.Free)
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{entry("bare", []string{"counting", "sorting"}[i%2], 100)}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if all := certificates(t, c); len(all) != 1 {
			t.Errorf("got %+v", all)
		}
	}
	if n := events(t, api, "certificate.issued"); n != 5 {
		t.Errorf("%d certificate.issued events, want 5", n)
	}
}

func TestAnybodyVerifiesACertificate(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	newAuthor(t, api, hub.Instructor).publishBare(t, "bare", titled(`A <b>title</b> & more`))
	c := api.User(t, hub.Free)
	complete(t, c, "bare")
	mine := certificates(t, c)[0]
	for _, typed := range []string{mine.ID, strings.ToUpper(mine.ID), strings.ReplaceAll(mine.ID, "-", "")} {
		if got, err := api.Guest().Certificate(t.Context(), typed); err != nil || got != mine {
			t.Errorf("%s: got %+v, %v", typed, got, err)
		}
	}
	me, err := c.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	public := send(t, api, http.MethodGet, "/v1/certificates/"+mine.ID, "", "")
	for _, secret := range []string{me.ID, me.Email, "user_id"} {
		if strings.Contains(public.body, secret) {
			t.Errorf("anybody reads %s in %s", secret, public.body)
		}
	}
	printed := send(t, api, http.MethodGet, "/certificates/"+mine.ID, "", "")
	if printed.status != http.StatusOK || !strings.Contains(printed.body, me.Username) || strings.Contains(printed.body, "<b>") || !strings.Contains(printed.body, mine.ID) {
		t.Errorf("the page: %d %s", printed.status, printed.body)
	}
	for _, none := range []string{"aaaa-bbbb-cccc-dddd", "x", "%00", "..", mine.ID[:18], mine.ID + "a", strings.Repeat("a", 199)} {
		if got := send(t, api, http.MethodGet, "/v1/certificates/"+none, "", ""); got.status == http.StatusOK || got.status >= 500 {
			t.Errorf("%q: %d %s", none, got.status, got.body)
		}
	}
	if got := send(t, api, http.MethodGet, "/certificates/aaaa-bbbb-cccc-dddd", "", ""); got.status != http.StatusNotFound {
		t.Errorf("a page of none: %d", got.status)
	}

	// Whoever wants to be forgotten is certified no more.
	if _, err := c.DeleteAccount(t.Context(), hub.Deletion{Password: apitest.Password}); err != nil {
		t.Fatal(err)
	}
	_, err = api.Guest().Certificate(t.Context(), mine.ID)
	apitest.Code(t, err, hub.NotFound)
}

// The last thing to do may be a lab: its check issues the certificate.
func TestALabCompletesACourse(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c, s := h.publish(t, &scenario.Scenario{Steps: []scenario.Step{{Checks: []scenario.Check{fileCheck("one")}}}})
	if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{entry("extra", "start", 100)}); err != nil {
		t.Fatal(err)
	}
	if all := certificates(t, c); len(all) != 0 {
		t.Fatalf("got %+v", all)
	}
	h.do(t, s.ID, "one")
	if _, err := c.CheckLab(t.Context(), s.ID, 0); err != nil {
		t.Fatal(err)
	}
	if all := certificates(t, c); len(all) != 1 || all[0].Course != "extra" {
		t.Errorf("got %+v", all)
	}
	if _, earned := reached(t, c); !strings.Contains(strings.Join(earned, " "), "first-lab") {
		t.Errorf("earned %v", earned)
	}
}
