// Package demo is a small hub in memory, for looking at the screens and for
// the tests of whole flows. It judges nothing seriously.
package demo

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Hub is a backend with two courses. The zero Hub has nobody signed in.
type Hub struct {
	User hub.User
	Now  func() time.Time
	Err  error // what every call fails with, when set

	mu       sync.Mutex
	empty    bool
	session  *hub.LabSession
	looks    int
	enrolled bool
	lab      *hub.Lab // instead of the first of labs
	done     map[string]bool
	hints    int
	body     string          // instead of the lessons' own
	ended    map[string]bool // keys and sign-ins, by id
}

// Ana is somebody signed in.
var Ana = hub.User{ID: "u1", Username: "ana", Email: "ana@example.com", Role: hub.Free, Profile: hub.Profile{DisplayName: "Ana"}}

const body = `# Who may do what

Every file has an *owner*, a *group* and nine **permission bits**.

` + "```bash {exec}\nls -l /etc/passwd /etc/shadow\n```" + `

The first column reads in threes: owner, group, others. See
[the manual](https://man7.org/linux/man-pages/man1/chmod.1.html) of ` + "`chmod`" + `.

| Bit | On a file | On a directory |
|-----|-----------|----------------|
| r | read it | list it |
| w | change it | add and remove names in it |
| x | run it | pass through it |

> [!TIP]
> A directory without ` + "`x`" + ` is a closed door, whatever ` + "`r`" + ` says.

<details><summary>Why is 世界 here?</summary>

To see that borders stay straight: 👩‍👩‍👧 é.

</details>

1. Make a file with ` + "`touch secret`" + `.
2. Take it away from the others: ` + "`chmod o-rwx secret`{{exec}}" + `.
3. Look again.
`

var (
	quiz = &hub.Quiz{Pass: 70, Questions: []hub.Question{
		{ID: "q1", Kind: hub.Single, Prompt: "What does `chmod 640 f` leave to **others**?", Choices: []hub.Choice{{ID: "a", Text: "Nothing"}, {ID: "b", Text: "Reading"}, {ID: "c", Text: "Reading and writing"}}},
		{ID: "q2", Kind: hub.Multiple, Prompt: "Which need `x` on a directory?", Choices: []hub.Choice{{ID: "a", Text: "cd into it"}, {ID: "b", Text: "list its names"}, {ID: "c", Text: "read a file in it whose name is known"}}},
		{ID: "q3", Kind: hub.Text, Prompt: "Which command changes the owner of a file?"},
	}}
	lessons = []hub.Lesson{
		{ID: "users", Title: "Users and groups", Duration: 10, Body: "# Users\n\nEverybody is a number."},
		{ID: "permissions", Title: "Who may do what", Duration: 15, Body: body, Quiz: quiz, Lab: "fix-permissions", Resources: []hub.Resource{{Title: "chmod(1)", URL: "https://man7.org/linux/man-pages/man1/chmod.1.html"}}},
		{ID: "umask", Title: "What new files may: umask 世界", Duration: 10, Body: "# umask\n\nSubtracted, not added.", VideoURL: "https://video.example.com/umask", Transcript: "It is **subtracted**, not added."},
	}
	labs = []hub.Lab{
		{
			ID: "fix-permissions", Course: "linux-basics", Title: "Fix the permissions", Description: "A colleague was in a hurry. Put things right.", Difficulty: "beginner", EstimatedTime: 20,
			Image: "ubuntu", Needs: []string{"linux"}, Runnable: true, Free: true, Finish: "Well done. The next lab is harder.",
			Steps: []hub.LabStep{
				{Number: 1, Title: "Look around", Text: "Find what is wrong in `/srv/app`.\n\n```bash {exec}\nls -l /srv/app\n```\n\nWhen you have seen it, check.", Checked: true, Hints: 1, HasSolution: true},
				{Number: 2, Title: "Close the door", Text: "Only `root` may read `secret`.\n\n```bash {exec}\nchmod 600 /srv/app/secret\n```", Checked: true, Hints: 2, HasSolution: true},
				{Number: 3, Title: "Open the other one", Text: "Everybody may read `motd`.", Checked: true},
			},
		},
		{ID: "k8s-first-pod", Title: "Your first Pod", Description: "Start a Pod and look inside.", Difficulty: "beginner", EstimatedTime: 15, Needs: []string{"kubernetes"}, Reason: "this installation lacks Kubernetes", Free: true},
	}
	courses = []hub.Course{
		{
			ID: "c1", Slug: "linux-basics", Title: "Linux for cloud engineers", Description: "The shell, files, processes and services: what every machine in every cloud has in common, learned on one of your own.",
			Level: "beginner", Provider: "multi", Category: "linux", Duration: 95, Free: true, Lessons: lessons, Labs: labs[:1],
			LearningObjectives: []string{"read and change permissions", "find out what a machine is doing", "keep a service running"},
		},
		{ID: "c2", Slug: "aws-vpc", Title: "Networks on AWS: VPC from the ground up", Description: "Subnets, routes, gateways and the ways they fail.", Level: "intermediate", Provider: "aws", Category: "networking", Duration: 240},
		{ID: "c3", Slug: "sekai", Title: "世界 Kubernetes 👩‍👩‍👧 for teams", Description: "Wide characters keep the columns straight.", Level: "advanced", Provider: "gcp", Category: "kubernetes", Duration: 60, Free: true},
	}
)

// New is a hub where it is always the same time.
func New(u hub.User, now time.Time) *Hub {
	return &Hub{User: u, Now: func() time.Time { return now }}
}

// Empty takes everything away.
func (h *Hub) Empty() *Hub {
	h.empty = true
	return h
}

// Given changes the lab that can be run.
func (h *Hub) Given(change func(*hub.Lab)) *Hub {
	l := labs[0]
	l.Steps = append([]hub.LabStep(nil), l.Steps...)
	change(&l)
	h.lab = &l
	return h
}

// Written changes the text of each lesson.
func (h *Hub) Written(body string) *Hub {
	h.body = body
	return h
}

// Busy enrolls in a course and starts its lab.
func (h *Hub) Busy() *Hub {
	h.enrolled = true
	h.begin()
	h.session.State, h.session.Message = hub.Ready, ""
	return h
}

func (h *Hub) now() time.Time {
	if h.Now != nil {
		return h.Now()
	}
	return time.Now()
}

func (h *Hub) guest() error {
	if h.User.ID == "" {
		return hub.Errorf(hub.Unauthenticated, "You are not signed in.")
	}
	return h.Err
}

// Profile is who is signed in.
func (h *Hub) Profile(context.Context) (hub.User, error) { return h.User, h.guest() }

// Next is what to do now.
func (h *Hub) Next(context.Context) ([]hub.NextStep, error) {
	if h.empty {
		return nil, h.Err
	}
	return []hub.NextStep{
		{Kind: "lesson", Title: "Who may do what", Reason: "You stopped here yesterday.", Course: "linux-basics", Lesson: "permissions"},
		{Kind: "lab", Title: "Fix the permissions", Reason: "It practises what you read last.", Lab: "fix-permissions"},
	}, h.guest()
}

// Progress is how far the learner is.
func (h *Hub) Progress(context.Context) ([]hub.CourseProgress, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.enrolled {
		return nil, h.guest()
	}
	p := hub.CourseProgress{CourseID: "c1", Course: "linux-basics", Title: courses[0].Title, Percentage: 25}
	for _, l := range lessons {
		lp := hub.LessonProgress{LessonID: l.ID, Title: l.Title}
		if h.done[l.ID] || l.ID == "users" {
			t := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
			lp.Percentage, lp.CompletedAt = 100, &t
			p.LessonsDone++
		}
		if l.Quiz != nil {
			no := false
			lp.QuizPassed = &no
		}
		p.Lessons = append(p.Lessons, lp)
	}
	p.Labs = []hub.LabProgress{{LabID: "fix-permissions", Title: "Fix the permissions", Percentage: 33}}
	return []hub.CourseProgress{p}, h.guest()
}

// RecordProgress takes a lesson as done.
func (h *Hub) RecordProgress(_ context.Context, es []hub.ProgressEntry) ([]hub.ProgressEntry, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.done == nil {
		h.done = map[string]bool{}
	}
	for _, e := range es {
		h.done[e.LessonID] = true
	}
	return es, h.guest()
}

// Courses is the catalogue.
func (h *Hub) Courses(_ context.Context, f hub.CourseFilter) (hub.Page[hub.Course], error) {
	var p hub.Page[hub.Course]
	if h.empty {
		return p, h.Err
	}
	for _, c := range courses {
		if strings.Contains(strings.ToLower(c.Title), strings.ToLower(f.Query)) && (f.Provider == "" || f.Provider == c.Provider) && (f.Level == "" || f.Level == c.Level) {
			p.Items = append(p.Items, c)
		}
	}
	return p, h.Err
}

// Course is one of them.
func (h *Hub) Course(_ context.Context, ref string) (hub.Course, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range courses {
		if c.Slug == ref || c.ID == ref {
			c.Enrolled = h.enrolled && c.ID == "c1"
			return c, h.Err
		}
	}
	return hub.Course{}, hub.Errorf(hub.NotFound, "There is no course %q.", ref)
}

// Lessons are those of a course.
func (h *Hub) Lessons(context.Context, string) ([]hub.Lesson, error) { return lessons, h.Err }

// Lesson is one of them.
func (h *Hub) Lesson(_ context.Context, _, ref string) (hub.Lesson, error) {
	for _, l := range lessons {
		if l.ID == ref {
			if h.body != "" {
				l.Body = h.body
			}
			return l, h.Err
		}
	}
	return hub.Lesson{}, hub.Errorf(hub.NotFound, "There is no lesson %q.", ref)
}

// Enroll enrolls.
func (h *Hub) Enroll(context.Context, string) (hub.Enrollment, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.enrolled = true
	return hub.Enrollment{}, h.guest()
}

// Leave leaves.
func (h *Hub) Leave(context.Context, string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.enrolled = false
	return h.guest()
}

// TakeQuiz finds the first answer to be right and the others wrong.
func (h *Hub) TakeQuiz(_ context.Context, _, _ string, a hub.QuizAnswers) (hub.QuizResult, error) {
	r := hub.QuizResult{Score: 33}
	for i, q := range quiz.Questions {
		r.Questions = append(r.Questions, hub.QuestionResult{ID: q.ID, Correct: i == 0 && len(a.Answers[q.ID]) > 0, Explanation: "Read `chmod(1)` on this."})
	}
	return r, h.guest()
}

// Labs is the catalogue of labs.
func (h *Hub) Labs(_ context.Context, f hub.LabFilter) (hub.Page[hub.Lab], error) {
	var p hub.Page[hub.Lab]
	for _, l := range labs {
		if strings.Contains(strings.ToLower(l.Title), strings.ToLower(f.Query)) && (!f.Runnable || l.Runnable) {
			p.Items = append(p.Items, l)
		}
	}
	return p, h.Err
}

// Lab is one of them.
func (h *Hub) Lab(_ context.Context, id string) (hub.Lab, error) {
	for _, l := range labs {
		if l.ID == id {
			if h.lab != nil && h.lab.ID == id {
				l = *h.lab
			}
			return l, h.Err
		}
	}
	return hub.Lab{}, hub.Errorf(hub.NotFound, "There is no lab %q.", id)
}

// LabSessions is the one session.
func (h *Hub) LabSessions(context.Context) ([]hub.LabSession, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.session == nil {
		return nil, h.guest()
	}
	return []hub.LabSession{*h.session}, h.guest()
}

// StartLab begins it.
func (h *Hub) StartLab(context.Context, string) (hub.LabSession, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.guest(); err != nil {
		return hub.LabSession{}, err
	}
	h.begin()
	return *h.session, nil
}

func (h *Hub) begin() {
	h.looks, h.hints = 0, 0
	h.session = &hub.LabSession{ID: "s-demo234567", LabID: "fix-permissions", Title: "Fix the permissions", State: hub.Provisioning, Message: "Starting the machine", Step: 1,
		ExpiresAt: h.now().Add(65*time.Minute + 30*time.Second), SSH: hub.SSHAddress{Host: "127.0.0.1", Port: 2222, User: "s-demo234567"}}
	for _, s := range labs[0].Steps {
		h.session.Steps = append(h.session.Steps, hub.StepState{Number: s.Number, Title: s.Title, State: hub.StepPending})
	}
}

// LabSession is ready at the second look.
func (h *Hub) LabSession(context.Context, string) (hub.LabSession, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.session == nil {
		return hub.LabSession{}, hub.Errorf(hub.NotFound, "There is no such session.")
	}
	if h.looks++; h.looks > 1 && h.session.State == hub.Provisioning {
		h.session.State, h.session.Message = hub.Ready, ""
	}
	return *h.session, h.guest()
}

// CheckLab fails first, then passes.
func (h *Hub) CheckLab(context.Context, string, int) (hub.CheckResult, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	steps := append([]hub.StepState(nil), h.session.Steps...)
	s := &steps[h.session.Step-1]
	s.Attempts++
	r := hub.CheckResult{SessionID: h.session.ID, Step: s.Number, State: hub.StepPassed}
	if s.Attempts == 1 {
		r.State, r.Message = hub.StepFailed, "/srv/app/secret is readable by everybody.\nexpected: -rw-------\nobserved: -rw-r--r--"
	}
	s.State, s.Message = r.State, r.Message
	h.session.Steps, r.Steps = steps, steps
	return r, h.Err
}

// NextLabStep goes on.
func (h *Hub) NextLabStep(context.Context, string) (hub.LabSession, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.session.Steps[h.session.Step-1].State != hub.StepPassed {
		return hub.LabSession{}, hub.Errorf(hub.Conflict, "Step %d has not passed yet. Check it first.", h.session.Step)
	}
	h.session.Step = min(h.session.Step+1, len(h.session.Steps))
	return *h.session, h.Err
}

// SkipLabStep goes on without a pass.
func (h *Hub) SkipLabStep(context.Context, string) (hub.LabSession, error) {
	return hub.LabSession{}, hub.Errorf(hub.Conflict, "A step can be skipped after three failed checks.")
}

// LabHint is one more hint.
func (h *Hub) LabHint(_ context.Context, _ string, step int) (hub.Hint, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hints = min(h.hints+1, 2)
	return hub.Hint{Step: step, Number: h.hints, Of: 2, Text: "Look at the **third** group of letters."}, h.Err
}

// LabSolution is how it is done.
func (h *Hub) LabSolution(_ context.Context, _ string, step int) (hub.Solution, error) {
	return hub.Solution{Step: step, Script: "chmod 600 /srv/app/secret\nls -l /srv/app"}, h.Err
}

// ExtendLab gives it half an hour more.
func (h *Hub) ExtendLab(context.Context, string, int) (hub.LabSession, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.session.ExpiresAt = h.session.ExpiresAt.Add(30 * time.Minute)
	return *h.session, h.Err
}

// SubmitLab hands in.
func (h *Hub) SubmitLab(context.Context, string) (hub.LabSession, error) { return h.end(hub.Submitted) }

// StopLab stops.
func (h *Hub) StopLab(context.Context, string) (hub.LabSession, error) { return h.end(hub.Stopped) }

func (h *Hub) end(state string) (hub.LabSession, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := *h.session
	s.State = state
	h.session = nil
	return s, h.Err
}

// Enrolled enrolls in a course.
func (h *Hub) Enrolled() *Hub {
	h.enrolled = true
	return h
}

// Achievements are a streak, one that is earned and one that is not.
func (h *Hub) Achievements(context.Context) (hub.Achievements, error) {
	a := hub.Achievements{Streak: hub.Streak{Timezone: "UTC"}}
	if h.enrolled {
		t := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		a.Streak = hub.Streak{Current: 3, Longest: 5, LastDay: "2026-03-01", Timezone: "UTC"}
		a.Achievements = []hub.Achievement{
			{ID: "first-lesson", Title: "First lesson", Description: "Complete a lesson.", Progress: 1, Goal: 1, EarnedAt: &t},
			{ID: "ten-lessons", Title: "Ten lessons", Description: "Complete ten lessons.", Progress: 1, Goal: 10},
		}
	}
	return a, h.guest()
}

// Certificates are one, once something has begun.
func (h *Hub) Certificates(context.Context) ([]hub.Certificate, error) {
	if !h.enrolled {
		return nil, h.guest()
	}
	return []hub.Certificate{{ID: "bdwp-hqpk-xm2a-7cft", Name: "Ana", Course: "aws-vpc", Title: "Networks on AWS: VPC from the ground up", IssuedAt: time.Date(2026, 2, 20, 9, 0, 0, 0, time.UTC)}}, h.guest()
}

// Usage is how the limits stand.
func (h *Hub) Usage(context.Context) (hub.Usage, error) {
	return hub.Usage{Tier: hub.Free, Requests: hub.Used{Limit: 1000, Used: 120}, LabMinutes: hub.Used{Limit: 60, Used: 20}}, h.guest()
}

// Keys are one key, until it is removed.
func (h *Hub) Keys(context.Context) ([]hub.Key, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return gone(h.ended, []hub.Key{{ID: "k1", Name: "laptop", Type: "ssh-ed25519", Fingerprint: "SHA256:2u3Y4VjyQ0m6uVb0X1r7Qq2D3o9oJ8T5mE1S7c4aBcd"}}, func(k hub.Key) string { return k.ID }), h.guest()
}

// RemoveKey removes one.
func (h *Hub) RemoveKey(_ context.Context, id string) error { return h.finish(id) }

// APIKeys are two.
func (h *Hub) APIKeys(context.Context) ([]hub.APIKey, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	used, until := time.Date(2026, 3, 1, 18, 0, 0, 0, time.UTC), time.Date(2026, 5, 30, 9, 0, 0, 0, time.UTC)
	return gone(h.ended, []hub.APIKey{
		{ID: "a1", Name: "ci of the 世界 team", Hint: "cmh_4f9k", Scopes: []hub.Scope{hub.CoursesRead, hub.LabsRun}, ExpiresAt: until, LastUsedAt: &used},
		{ID: "a2", Hint: "cmh_x81c", Scopes: []hub.Scope{hub.ProgressRead}, ExpiresAt: until},
	}, func(k hub.APIKey) string { return k.ID }), h.guest()
}

// RevokeAPIKey revokes one.
func (h *Hub) RevokeAPIKey(_ context.Context, id string) error { return h.finish(id) }

// Sessions are this one and another.
func (h *Hub) Sessions(context.Context) ([]hub.Session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return gone(h.ended, []hub.Session{
		{ID: "t1", Client: "cmh on laptop", Method: "password", CreatedAt: time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC), Current: true},
		{ID: "t2", Method: "device", CreatedAt: time.Date(2026, 1, 20, 9, 0, 0, 0, time.UTC)},
	}, func(s hub.Session) string { return s.ID }), h.guest()
}

// EndSession ends one.
func (h *Hub) EndSession(_ context.Context, id string) error { return h.finish(id) }

func (h *Hub) finish(id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended == nil {
		h.ended = map[string]bool{}
	}
	h.ended[id] = true
	return h.guest()
}

func gone[T any](ended map[string]bool, all []T, id func(T) string) []T {
	return slices.DeleteFunc(all, func(t T) bool { return ended[id(t)] })
}
