package httpapi_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

func profileOf(t testing.TB, c *client.Client) hub.User {
	t.Helper()
	u, err := c.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAdminsFindAccounts(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	admin := api.User(t, hub.Admin)
	var want []string
	for range 5 {
		want = append([]string{profileOf(t, api.User(t, hub.Free)).ID}, want...)
	}
	var got []string
	for p := (hub.Paging{Limit: 2}); ; {
		page, err := admin.Accounts(t.Context(), hub.AccountFilter{Role: hub.Free, Paging: p})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Items {
			got = append(got, a.ID)
		}
		api.User(t, hub.Premium) // whoever comes meanwhile doesn't move the others
		if page.Next == "" {
			break
		}
		p.Cursor = page.Next
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	one := profileOf(t, api.User(t, hub.Instructor))
	for _, ref := range []string{one.ID, strings.ToUpper(one.ID), one.Email, strings.ToUpper(one.Username)} {
		if d, err := admin.Account(t.Context(), ref); err != nil || d.ID != one.ID || d.SignIns != 1 || d.LastSeenAt == nil {
			t.Errorf("%s: %+v, %v", ref, d, err)
		}
	}
	for q, want := range map[string]int{one.Username[:8]: 1, one.Email: 1, one.ID: 1, one.Username[1:]: 0, "%": 0, "_" + one.Username[1:]: 0, `\`: 0} {
		if page, err := admin.Accounts(t.Context(), hub.AccountFilter{Query: q}); err != nil || len(page.Items) != want {
			t.Errorf("%q: %d accounts, want %d (%v)", q, len(page.Items), want, err)
		}
	}
	_, err := admin.Account(t.Context(), "nobody")
	apitest.Code(t, err, hub.NotFound)
	_, err = api.User(t, hub.Instructor).Accounts(t.Context(), hub.AccountFilter{})
	apitest.Code(t, err, hub.Forbidden)
	_, err = api.App.As(one).Accounts(t.Context(), hub.AccountFilter{}) // the SSH door
	apitest.Code(t, err, hub.Forbidden)
}

// Another role is another life: what was signed in with the old one ends.
func TestARoleChangesEverywhereAtOnce(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	admin, c := api.User(t, hub.Admin), api.User(t, hub.Instructor)
	u := profileOf(t, c)
	login, err := api.Guest().Login(t.Context(), hub.Credentials{Email: u.Email, Password: apitest.Password})
	if err != nil {
		t.Fatal(err)
	}
	key, err := c.CreateAPIKey(t.Context(), hub.NewAPIKey{Name: "ci", Scopes: []hub.Scope{hub.Authoring}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := admin.SetRole(t.Context(), u.Email, hub.Free)
	if err != nil || d.Role != hub.Free || d.SubscriptionTier != "free" || d.SignIns != 0 || d.APIKeys != 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	for name, token := range map[string]string{"access token": login.AccessToken, "API key": key.Token} {
		if got := send(t, api, http.MethodGet, "/v1/author/reports", token, ""); got.status != http.StatusUnauthorized {
			t.Errorf("the %s: %d %s", name, got.status, got.body)
		}
	}
	_, err = api.Guest().Refresh(t.Context(), login.RefreshToken)
	apitest.Code(t, err, hub.Unauthenticated)

	again, err := api.Guest().Login(t.Context(), hub.Credentials{Email: u.Email, Password: apitest.Password})
	if err != nil || again.User.Role != hub.Free {
		t.Fatalf("%+v, %v", again.User, err)
	}
	if d, err = admin.SetRole(t.Context(), u.ID, hub.Free); err != nil || d.SignIns != 1 {
		t.Errorf("the same role ended a sign-in: %+v, %v", d, err)
	}
	_, err = admin.SetRole(t.Context(), u.ID, "emperor")
	apitest.Code(t, err, hub.Invalid)
	_, err = admin.SetRole(t.Context(), u.ID, hub.Guest)
	apitest.Code(t, err, hub.Invalid)
	page, err := admin.AuditLog(t.Context(), hub.AuditFilter{SubjectID: u.ID, Action: "account.role_changed"})
	if err != nil || len(page.Items) != 1 || page.Items[0].ActorID != profileOf(t, admin).ID || page.Items[0].Data["to"] != "free" {
		t.Errorf("the log says %+v, %v", page.Items, err)
	}
}

// Two admins who take the other's role away at once leave one.
func TestTheLastAdminStays(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	one, two := profileOf(t, api.User(t, hub.Admin)), profileOf(t, api.User(t, hub.Admin))
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, pair := range [][2]hub.User{{one, two}, {two, one}} {
		wg.Go(func() { _, errs[i] = api.App.As(pair[0]).SetRole(t.Context(), pair[1].ID, hub.Free) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("want one of them to go: %v, %v", errs[0], errs[1])
	}
	last := one
	if errs[0] != nil {
		last = two
	}
	for _, role := range []hub.Role{hub.Free, hub.Instructor} {
		_, err := api.App.As(last).SetRole(t.Context(), last.ID, role)
		apitest.Code(t, err, hub.Conflict)
	}
	_, err := api.App.As(last).Suspend(t.Context(), last.ID)
	apitest.Code(t, err, hub.Conflict)
}

// Every door is shut: tokens, keys, the SSH key, the event stream, the lab.
func TestSuspensionShutsEveryDoor(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	admin, c := h.User(t, hub.Admin), h.User(t, hub.Free)
	u := profileOf(t, c)
	s := h.ready(t, c, "files")
	login, err := h.Guest().Login(t.Context(), hub.Credentials{Email: u.Email, Password: apitest.Password})
	if err != nil {
		t.Fatal(err)
	}
	key, err := c.CreateAPIKey(t.Context(), hub.NewAPIKey{Name: "ci", Scopes: []hub.Scope{hub.AccountRead}})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended) // in whichever way it was cut
		_ = c.LabEvents(t.Context(), s.ID, 0, func(hub.LabEvent) error { return nil })
	}()
	page, err := admin.LabsInFlight(t.Context(), hub.Paging{})
	if err != nil || len(page.Items) != 1 || page.Items[0].ID != s.ID || page.Items[0].Username != u.Username {
		t.Errorf("in flight: %+v, %v", page.Items, err)
	}

	d, err := admin.Suspend(t.Context(), u.Username)
	if err != nil || d.SuspendedAt == nil || d.SignIns != 0 || d.LabsRunning != 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	for name, token := range map[string]string{"access token": login.AccessToken, "API key": key.Token} {
		if got := send(t, h.API, http.MethodGet, "/v1/users/profile", token, ""); got.status != http.StatusUnauthorized {
			t.Errorf("the %s: %d %s", name, got.status, got.body)
		}
	}
	_, err = h.Guest().Refresh(t.Context(), login.RefreshToken)
	apitest.Code(t, err, hub.Unauthenticated)
	_, err = h.Guest().Login(t.Context(), hub.Credentials{Email: u.Email, Password: apitest.Password})
	apitest.Code(t, err, hub.Unauthenticated)
	_, err = h.App.UserByID(t.Context(), u.ID) // a certificate for SSH
	apitest.Code(t, err, hub.NotFound)
	if id, _ := h.App.ReadySandbox(t.Context(), "", u.ID, s.ID); id != "" {
		t.Error("the lab's door is open")
	}
	select {
	case <-ended:
	case <-time.After(3 * time.Minute):
		t.Error("the stream goes on")
	}
	if page, err = admin.LabsInFlight(t.Context(), hub.Paging{}); err != nil || len(page.Items) != 0 {
		t.Errorf("still in flight: %+v, %v", page.Items, err)
	}

	if d, err = admin.Unsuspend(t.Context(), u.ID); err != nil || d.SuspendedAt != nil {
		t.Fatalf("%+v, %v", d, err)
	}
	if _, err = h.Guest().Login(t.Context(), hub.Credentials{Email: u.Email, Password: apitest.Password}); err != nil {
		t.Error(err)
	}
	log, err := admin.AuditLog(t.Context(), hub.AuditFilter{SubjectID: u.ID, ActorID: profileOf(t, admin).ID})
	var did []string
	for _, e := range log.Items {
		did = append(did, e.Action)
	}
	if diff := cmp.Diff([]string{"account.unsuspended", "lab.stopped", "account.sessions_ended", "account.suspended"}, did); diff != "" {
		t.Error(diff, err)
	}
}

// Who is suspended can't come back as those do who closed their account
// themselves; and who did stays gone when the suspension ends.
func TestSuspensionAndDeletion(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	admin, c := api.User(t, hub.Admin), api.User(t, hub.Free)
	u := profileOf(t, c)
	if _, err := c.DeleteAccount(t.Context(), hub.Deletion{Password: apitest.Password}); err != nil {
		t.Fatal(err)
	}
	if d, err := admin.Suspend(t.Context(), u.ID); err != nil || d.SuspendedAt == nil || d.DeleteAt == nil {
		t.Fatalf("%+v, %v", d, err)
	}
	login := func() error {
		_, err := api.Guest().Login(t.Context(), hub.Credentials{Email: u.Email, Password: apitest.Password})
		return err
	}
	apitest.Code(t, login(), hub.Unauthenticated)
	if d, err := admin.Unsuspend(t.Context(), u.ID); err != nil || d.SuspendedAt != nil || d.DeleteAt == nil {
		t.Fatalf("%+v, %v", d, err)
	}
	apitest.Code(t, login(), "")
	if d, err := admin.Account(t.Context(), u.ID); err != nil || d.DeleteAt != nil {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestTheAuditLogIsReadInPages(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	admin := api.User(t, hub.Admin)
	for range 4 {
		api.User(t, hub.Free)
	}
	seen, last := 0, int64(0)
	for p := (hub.Paging{Limit: 2}); ; {
		page, err := admin.AuditLog(t.Context(), hub.AuditFilter{Action: "account", Paging: p})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Items {
			if last != 0 && e.ID >= last || !strings.HasPrefix(e.Action, "account.") || e.Data == nil {
				t.Errorf("%+v behind %d", e, last)
			}
			last = e.ID
			seen++
		}
		if page.Next == "" {
			break
		}
		p.Cursor = page.Next
	}
	if seen != 5 {
		t.Errorf("%d entries", seen)
	}
	for _, bad := range []hub.AuditFilter{{ActorID: "x"}, {SubjectID: "' OR 1=1"}, {Action: "a\x00b"}, {Paging: hub.Paging{Cursor: "AAAA"}}} {
		_, err := admin.AuditLog(t.Context(), bad)
		apitest.Code(t, err, hub.Invalid)
	}
	if page, err := admin.AuditLog(t.Context(), hub.AuditFilter{Action: "acc"}); err != nil || len(page.Items) != 0 {
		t.Errorf("half a word: %+v, %v", page.Items, err)
	}
}

func TestStatsCountEverything(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	admin := api.User(t, hub.Admin)
	newAuthor(t, api, hub.Instructor).publish(t, "one")
	c := api.User(t, hub.Free)
	if _, err := c.RecordProgress(t.Context(), []hub.ProgressEntry{entry("one", "counting", 100)}); err != nil {
		t.Fatal(err)
	}
	exactly := func(n int64) hub.Count { return hub.Count{Count: n, Exact: true} }
	s, err := admin.Stats(t.Context())
	want := hub.Stats{
		Users: exactly(3), NewUsers: exactly(3), Courses: exactly(1), Enrollments: exactly(1), Lessons: exactly(1),
		Certificates: exactly(0), LabSessions: exactly(0), LabsRunning: map[string]int{},
	}
	if diff := cmp.Diff(want, s); err != nil || diff != "" {
		t.Error(diff, err)
	}
}

// An API key of an admin's, whatever its scopes, does none of it.
func TestNoKeyAdministers(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	admin := api.User(t, hub.Admin)
	key, err := admin.CreateAPIKey(t.Context(), hub.NewAPIKey{Name: "all", Scopes: hub.Scopes})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/admin/users", "/v1/admin/audit", "/v1/admin/stats", "/v1/admin/labs"} {
		if got := send(t, api, http.MethodGet, path, key.Token, ""); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}
