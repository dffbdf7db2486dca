package httpapi_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// The main job: start, fail, ask, pass, move on, hand in.
func TestLabFromStartToSubmit(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	ctx := t.Context()
	s := h.ready(t, c, "files")
	if s.State != hub.Ready || s.Step != 1 || s.Course != "tools" || s.Title != "Files: files" || s.SSH.User != s.ID || s.SSH.Port != 2222 ||
		s.ExpiresAt.Sub(s.CreatedAt) != time.Hour || stepStates(s.Steps) != "1:pending/0 2:pending/0" {
		t.Errorf("started: %+v", s)
	}
	again, err := c.StartLab(ctx, "files")
	if err != nil || again.ID != s.ID {
		t.Errorf("started again: %+v, %v", again, err)
	}
	_, err = c.LabSolution(ctx, s.ID, 1)
	apitest.Code(t, err, hub.Conflict)
	_, err = c.NextLabStep(ctx, s.ID)
	apitest.Code(t, err, hub.Conflict)
	_, err = c.SkipLabStep(ctx, s.ID)
	apitest.Code(t, err, hub.Conflict)
	_, err = c.CheckLab(ctx, s.ID, 2)
	apitest.Code(t, err, hub.Conflict)
	_, err = c.CheckLab(ctx, s.ID, 3)
	apitest.Code(t, err, hub.Invalid)
	_, err = c.SubmitLab(ctx, s.ID)
	apitest.Code(t, err, hub.Conflict)

	res, err := c.CheckLab(ctx, "files", 0)
	if err != nil || res.State != hub.StepFailed || res.Message != "verify: no one" || res.Step != 1 || res.SessionID != s.ID {
		t.Errorf("first check: %+v, %v", res, err)
	}
	for i, want := range []string{"hint: touch", "hint: touch one", "hint: touch one"} {
		hint, err := c.LabHint(ctx, s.ID, 0)
		if err != nil || hint.Text != want || hint.Number != min(i+1, 2) || hint.Of != 2 {
			t.Errorf("hint %d: %+v, %v", i+1, hint, err)
		}
	}
	if sol, err := c.LabSolution(ctx, s.ID, 1); err != nil || sol.Script != "solve=1; touch one\n" {
		t.Errorf("solution: %+v, %v", sol, err)
	}
	_, err = c.LabSolution(ctx, s.ID, 2)
	apitest.Code(t, err, hub.Conflict)

	h.do(t, s.ID, "one")
	if res, err = c.CheckLab(ctx, s.ID, 1); err != nil || res.State != hub.StepPassed || stepStates(res.Steps) != "1:passed/2 2:pending/0" {
		t.Errorf("second check: %+v, %v", res, err)
	}
	if s, err = c.NextLabStep(ctx, s.ID); err != nil || s.Step != 2 {
		t.Errorf("next: %+v, %v", s, err)
	}
	if err := os.Remove(filepath.Join(h.driver.Home(s.ID), "one")); err != nil {
		t.Fatal(err)
	}
	if res, err = c.CheckLab(ctx, s.ID, 1); err != nil || res.State != hub.StepFailed || res.Steps[0].State != hub.StepPassed {
		t.Errorf("an earlier step, checked again, lost what it had: %+v, %v", res, err)
	}
	if p := labProgress(t, c, "files"); p.Percentage != 50 || p.CompletedAt != nil {
		t.Errorf("half way: %+v", p)
	}
	h.do(t, s.ID, "two")
	if res, err = c.CheckLab(ctx, s.ID, 0); err != nil || res.State != hub.StepPassed {
		t.Errorf("last check: %+v, %v", res, err)
	}
	_, err = c.NextLabStep(ctx, s.ID)
	apitest.Code(t, err, hub.Conflict)
	if p := labProgress(t, c, "files"); p.Percentage != 100 || p.CompletedAt == nil {
		t.Errorf("all passed: %+v", p)
	}
	for range 2 { // handing in twice is handing in
		if s, err = c.SubmitLab(ctx, s.ID); err != nil || s.State != hub.Submitted || s.EndedAt == nil {
			t.Errorf("submit: %+v, %v", s, err)
		}
	}
	if ids := h.sandboxes(t); len(ids) != 0 {
		t.Errorf("the sandbox is still there: %v", ids)
	}
	if s, err = c.LabSession(ctx, "files"); err != nil || s.State != hub.Submitted {
		t.Errorf("status after the end: %+v, %v", s, err)
	}
	_, err = c.CheckLab(ctx, s.ID, 0)
	apitest.Code(t, err, hub.Conflict)
	next, err := c.StartLab(ctx, "files")
	if err != nil || next.ID == s.ID {
		t.Errorf("begun again: %+v, %v", next, err)
	}
	all, err := c.LabSessions(ctx)
	if err != nil || len(all) != 2 || all[0].ID != next.ID {
		t.Errorf("sessions: %+v, %v", all, err)
	}
}

// Checking the step after a passed one moves on to it.
func TestCheckOfTheNextStepOpensIt(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "files")
	h.do(t, s.ID, "one")
	h.do(t, s.ID, "two")
	for n := range 2 {
		if res, err := c.CheckLab(t.Context(), s.ID, n+1); err != nil || res.State != hub.StepPassed {
			t.Errorf("step %d: %+v, %v", n+1, res, err)
		}
	}
	if s, err := c.LabSession(t.Context(), s.ID); err != nil || s.Step != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

// Twenty starts at once by one learner make one session and one sandbox.
func TestStartsAtOnceMakeOneSession(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	ids := make([]string, 20)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			s, err := c.StartLab(t.Context(), "files")
			if err != nil {
				t.Error(err)
			}
			ids[i] = s.ID
		})
	}
	wg.Wait()
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) != 1 || ids[0] == "" {
		t.Errorf("sessions %v", ids)
	}
	if got := h.sandboxes(t); !slices.Equal(got, ids) {
		t.Errorf("sandboxes %v, session %v", got, ids)
	}
}

func TestLabsPerTier(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	_, err := h.Guest().StartLab(ctx, "files")
	apitest.Code(t, err, hub.Unauthenticated)
	_, err = h.Guest().LabSessions(ctx)
	apitest.Code(t, err, hub.Unauthenticated)
	if lab, err := h.Guest().Lab(ctx, "files"); err != nil || lab.Steps[0].Text == "" || !lab.Free {
		t.Errorf("a guest reads a free lab: %+v, %v", lab, err)
	}

	free := h.User(t, hub.Free)
	_, err = free.StartLab(ctx, "secrets")
	apitest.Code(t, err, hub.Forbidden)
	_, err = free.Lab(ctx, "secrets")
	apitest.Code(t, err, hub.Forbidden)
	_, err = free.StartLab(ctx, "no-such-lab")
	apitest.Code(t, err, hub.NotFound)
	// Two at once, also when they come at once.
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i, lab := range []string{"files", "more", "third"} {
		wg.Go(func() { _, errs[i] = h.actor(t, free).StartLab(ctx, lab) })
	}
	wg.Wait()
	limited := 0
	for _, err := range errs {
		if hub.CodeOf(err) == hub.Limit {
			limited++
		} else if err != nil {
			t.Error(err)
		}
	}
	if limited != 1 || len(h.sandboxes(t)) != 2 {
		t.Errorf("%d starts refused, sandboxes %v", limited, h.sandboxes(t))
	}

	paying := h.User(t, hub.Instructor)
	for _, lab := range []string{"files", "more", "third", "secrets"} {
		if _, err := paying.StartLab(ctx, lab); err != nil {
			t.Errorf("%s: %v", lab, err)
		}
	}
}

// A session of somebody else is no session, in the same words.
// Where a sandbox can take all of the machine, nobody shares it.
func TestOneLearnerWhereNothingIsLimited(t *testing.T) {
	t.Parallel()
	h := newLabHub(t, func(a *app.App) { a.Labs.OneLearner = true })
	ctx := t.Context()
	first, second := h.User(t, hub.Free), h.User(t, hub.Free)
	s := h.ready(t, first, "files")
	h.ready(t, first, "more")
	_, err := second.StartLab(ctx, "files")
	apitest.Code(t, err, hub.Limit)
	if err == nil || !strings.Contains(err.Error(), "one learner at a time") {
		t.Errorf("it says %v", err)
	}
	for _, ref := range []string{s.ID, "more"} {
		if _, err := first.StopLab(ctx, ref); err != nil {
			t.Fatal(err)
		}
	}
	h.ready(t, second, "files")
}

func TestSomebodyElsesLab(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ctx := t.Context()
	mine := h.ready(t, h.User(t, hub.Free), "files")
	other := h.User(t, hub.Admin)
	key := publicKey(t)
	for name, ask := range map[string]func(ref string) error{
		"status":      func(ref string) error { _, err := other.LabSession(ctx, ref); return err },
		"check":       func(ref string) error { _, err := other.CheckLab(ctx, ref, 0); return err },
		"next":        func(ref string) error { _, err := other.NextLabStep(ctx, ref); return err },
		"skip":        func(ref string) error { _, err := other.SkipLabStep(ctx, ref); return err },
		"hint":        func(ref string) error { _, err := other.LabHint(ctx, ref, 1); return err },
		"solution":    func(ref string) error { _, err := other.LabSolution(ctx, ref, 1); return err },
		"submit":      func(ref string) error { _, err := other.SubmitLab(ctx, ref); return err },
		"stop":        func(ref string) error { _, err := other.StopLab(ctx, ref); return err },
		"certificate": func(ref string) error { _, err := other.LabCertificate(ctx, ref, key); return err },
		"ssh":         func(ref string) error { _, err := h.actor(t, other).LabSandbox(ctx, ref); return err },
	} {
		theirs, lab, none := ask(mine.ID), ask("files"), ask("s-aaaaaaaaaa")
		for _, err := range []error{theirs, lab, none} {
			if hub.CodeOf(err) != hub.NotFound || hub.MessageOf(err) != hub.MessageOf(none) {
				t.Errorf("%s: %v; for a session that never was: %v", name, err, none)
			}
		}
	}
	if ids := h.sandboxes(t); !slices.Equal(ids, []string{mine.ID}) {
		t.Errorf("sandboxes %v", ids)
	}
}

func TestLabCatalogue(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.Guest()
	list := func(f hub.LabFilter) string {
		t.Helper()
		var ids []string
		for f.Limit = 2; ; {
			page, err := c.Labs(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range page.Items {
				ids = append(ids, l.ID)
				if l.Instructions != "" || slices.ContainsFunc(l.Steps, func(s hub.LabStep) bool { return s.Text != "" }) {
					t.Errorf("a list holds the texts of %s", l.ID)
				}
				if l.ID == "ships" && (l.Runnable || l.Reason != "this installation lacks Docker, a network") {
					t.Errorf("ships: %+v", l)
				}
			}
			if page.Next == "" {
				return strings.Join(ids, " ")
			}
			f.Cursor = page.Next
		}
	}
	for name, tt := range map[string]struct {
		f    hub.LabFilter
		want string
	}{
		"all, by course and then as the author says": {hub.LabFilter{}, "secrets files more third reading ships"},
		"runnable here": {hub.LabFilter{Runnable: true}, "secrets files more third reading"},
		"of a course":   {hub.LabFilter{Course: "paid"}, "secrets"},
		"search":        {hub.LabFilter{Query: "SHIP"}, "ships"},
		"literally":     {hub.LabFilter{Query: "%"}, ""},
		"provider":      {hub.LabFilter{Provider: "aws"}, ""},
	} {
		if got := list(tt.f); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
	page, err := c.Labs(t.Context(), hub.LabFilter{Paging: hub.Paging{Limit: 1}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Labs(t.Context(), hub.LabFilter{Query: "other", Paging: hub.Paging{Cursor: page.Next}})
	apitest.Code(t, err, hub.Invalid)
	_, err = h.User(t, hub.Free).StartLab(t.Context(), "ships")
	apitest.Code(t, err, hub.Conflict)
}

// Scripts, hints and solutions stay on the server until they are asked for by
// somebody entitled.
func TestLabSecretsStay(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "files")
	token := h.Token(t, c)
	for _, path := range []string{"/v1/labs", "/v1/labs/files", "/v1/labs/sessions", "/v1/labs/files/status", "/v1/labs/" + s.ID + "/status", "/v1/courses/tools"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, %v", path, resp.StatusCode, err)
		}
		for _, secret := range []string{"verify:", "hint:", "solve=", "setup="} {
			if strings.Contains(string(body), secret) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
	}
}

func TestSkipAfterThreeChecks(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	ctx := t.Context()
	s := h.ready(t, c, "files")
	for range 3 {
		_, err := c.SkipLabStep(ctx, s.ID)
		apitest.Code(t, err, hub.Conflict)
		if _, err := c.CheckLab(ctx, s.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.SkipLabStep(ctx, s.ID)
	if err != nil || s.Step != 2 || stepStates(s.Steps) != "1:skipped/3 2:pending/0" {
		t.Errorf("skipped: %+v, %v", s, err)
	}
	h.do(t, s.ID, "two")
	if _, err := c.CheckLab(ctx, s.ID, 0); err != nil {
		t.Fatal(err)
	}
	if s, err = c.SubmitLab(ctx, s.ID); err != nil || s.State != hub.Submitted {
		t.Errorf("submitted: %+v, %v", s, err)
	}
	if p := labProgress(t, c, "files"); p.Percentage != 50 || p.CompletedAt != nil {
		t.Errorf("a skipped step counts as passed: %+v", p)
	}
}

// A lab without checks is done when it is read to the end; nothing in it can
// be checked.
func TestLabWithoutChecks(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	ctx := t.Context()
	s := h.ready(t, c, "reading")
	_, err := c.CheckLab(ctx, s.ID, 0)
	apitest.Code(t, err, hub.Conflict)
	_, err = c.SubmitLab(ctx, s.ID)
	apitest.Code(t, err, hub.Conflict)
	if s, err = c.NextLabStep(ctx, s.ID); err != nil || s.Step != 2 {
		t.Errorf("next: %+v, %v", s, err)
	}
	if _, err = c.SubmitLab(ctx, s.ID); err != nil {
		t.Error(err)
	}
	if p := labProgress(t, c, "reading"); p.Percentage != 100 {
		t.Errorf("%+v", p)
	}
}

func TestStopLab(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	s := h.ready(t, c, "files")
	for range 2 {
		stopped, err := c.StopLab(t.Context(), s.ID)
		if err != nil || stopped.State != hub.Stopped {
			t.Errorf("%+v, %v", stopped, err)
		}
	}
	if ids := h.sandboxes(t); len(ids) != 0 {
		t.Errorf("left over: %v", ids)
	}
	_, err := c.LabHint(t.Context(), s.ID, 1)
	apitest.Code(t, err, hub.Conflict)
}

func TestLabCertificate(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	c := h.User(t, hub.Free)
	ctx := t.Context()
	u, err := c.Profile(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s := h.ready(t, c, "files")
	_, err = c.LabCertificate(ctx, s.ID, "ssh-rsa AAAA")
	apitest.Code(t, err, hub.Invalid)
	before := time.Now()
	got, err := c.LabCertificate(ctx, "files", publicKey(t))
	if err != nil || got.SSH.User != s.ID {
		t.Fatalf("%+v, %v", got, err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(got.Certificate))
	if err != nil {
		t.Fatal(err)
	}
	cert, ok := key.(*ssh.Certificate)
	if !ok || cert.CertType != ssh.UserCert || cert.KeyId != u.ID || !slices.Equal(cert.ValidPrincipals, []string{s.ID, "files"}) ||
		len(cert.CriticalOptions) != 0 || len(cert.Extensions) != 2 {
		t.Errorf("%+v", cert)
	}
	if life := time.Duration(cert.ValidBefore-cert.ValidAfter) * time.Second; life != 5*time.Minute+30*time.Second {
		t.Errorf("it lives %v", life)
	}
	checker := &ssh.CertChecker{
		Clock: func() time.Time { return before },
		IsUserAuthority: func(k ssh.PublicKey) bool {
			return string(k.Marshal()) == string(h.App.Labs.UserCA.PublicKey().Marshal())
		},
	}
	if err := checker.CheckCert(s.ID, cert); err != nil {
		t.Error(err)
	}
	if err := checker.CheckCert("root", cert); err == nil {
		t.Error("it is good for any name")
	}
	checker.Clock = func() time.Time { return before.Add(6 * time.Minute) }
	if err := checker.CheckCert(s.ID, cert); err == nil {
		t.Error("it is good for ever")
	}
}
