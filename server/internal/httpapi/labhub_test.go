package httpapi_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/labstest"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// labHub is an API with labs, and the ground they stand on.
type labHub struct {
	*apitest.API
	driver labstest.Driver
	began  time.Time
	clock  *atomic.Int64 // seconds the server's clock is ahead of that
	looks  *atomic.Int64 // at the clock, which by itself goes a millisecond on with each
}

// newLabHub starts an API that can run labs, and publishes those of the test
// as two courses: "tools", and "paid" for premium members.
func newLabHub(t *testing.T, changes ...func(*app.App)) labHub {
	t.Helper()
	h := labHub{driver: labstest.New(t), began: time.Now(), clock: new(atomic.Int64), looks: new(atomic.Int64)}
	h.API = apitest.New(t, append([]func(*app.App){func(a *app.App) { h.equip(t, a) }}, changes...)...)
	author := newAuthor(t, h.API, hub.Instructor)
	author.publishLabs(t, "tools", true,
		touchLab("files"),
		touchLab("more"),
		touchLab("third"),
		&scenario.Scenario{Slug: "reading", Title: "Only to read", Needs: []string{"linux"}, Steps: []scenario.Step{{}, {}}},
		&scenario.Scenario{Slug: "ships", Title: "Ships", Needs: []string{"docker", "network"}, Steps: []scenario.Step{{}}},
	)
	author.publishLabs(t, "paid", false, touchLab("secrets"))
	return h
}

func (h labHub) equip(t *testing.T, a *app.App) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a.Now = func() time.Time {
		return h.began.Add(time.Duration(h.clock.Load())*time.Second + time.Duration(h.looks.Add(1))*time.Millisecond)
	}
	a.Labs = app.LabConfig{
		Engine: &labs.Engine{Driver: h.driver}, Driver: "test", Node: "here", Abilities: []string{"linux"},
		SSH: hub.SSHAddress{Host: "127.0.0.1", Port: 2222, HostKey: "ssh-ed25519 AAAA"}, UserCA: ca,
	}
}

// touchLab is a lab of two steps, each of which wants a file.
func touchLab(slug string) *scenario.Scenario {
	step := func(file string) scenario.Step {
		return scenario.Step{
			Page:   scenario.Page{Title: "Make " + file, Text: "Make a file called " + file + "."},
			Verify: &scenario.Script{Source: []byte("[ -f " + file + " ] || { echo 'verify: no " + file + "'; exit 1; }\n")},
			Hints:  []scenario.Hint{{Text: "hint: touch"}, {Text: "hint: touch " + file}},
			Solve:  &scenario.Script{Source: []byte("solve=1; touch " + file + "\n")},
		}
	}
	return &scenario.Scenario{
		Slug: slug, Title: "Files: " + slug, Description: "Make files.", Needs: []string{"linux"},
		Intro: scenario.Page{Text: "Welcome.", Background: []scenario.Script{{Source: []byte("setup=1; touch ready\n")}}},
		Steps: []scenario.Step{step("one"), step("two")},
	}
}

func (a author) publishLabs(t *testing.T, course string, free bool, scenarios ...*scenario.Scenario) {
	t.Helper()
	c := &courses.Course{Labs: scenarios, Document: hub.Course{
		Slug: course, Title: course, Level: "beginner", Provider: "multi", Category: "tools", Free: free,
		Lessons: []hub.Lesson{{ID: "start", Title: "Start", Body: "Read."}},
	}}
	for _, s := range scenarios {
		c.Document.Labs = append(c.Document.Labs, courses.Summary(courses.Lab(s)))
	}
	if _, err := a.Publish(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// do makes a file in the learner's sandbox.
func (h labHub) do(t *testing.T, session, file string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(h.driver.Home(session), file), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// actor is the user of c, as the SSH door sees them.
func (h labHub) actor(t *testing.T, c *client.Client) app.Actor {
	t.Helper()
	u, err := c.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h.App.As(u)
}

// ready starts a lab and waits until it is ready.
func (h labHub) ready(t *testing.T, c *client.Client, lab string) hub.LabSession {
	t.Helper()
	s, err := c.StartLab(t.Context(), lab)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; s.State == hub.Provisioning; i++ {
		if i == 20 {
			t.Fatalf("never ready: %+v", s)
		}
		if _, err := h.actor(t, c).LabSandbox(t.Context(), s.ID); err != nil {
			t.Fatal(err)
		}
		if s, err = c.LabSession(t.Context(), s.ID); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (h labHub) sandboxes(t *testing.T) []string {
	t.Helper()
	ids, err := h.driver.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func stepStates(steps []hub.StepState) string {
	var states []string
	for _, s := range steps {
		states = append(states, fmt.Sprintf("%d:%s/%d", s.Number, s.State, s.Attempts))
	}
	return strings.Join(states, " ")
}

func labProgress(t *testing.T, c *client.Client, lab string) hub.LabProgress {
	t.Helper()
	all, err := c.Progress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, course := range all {
		for _, l := range course.Labs {
			if l.LabID == lab {
				return l
			}
		}
	}
	t.Fatalf("no progress in %s: starting a lab enrolls in its course", lab)
	return hub.LabProgress{}
}

func publicKey(t *testing.T) string {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(key))
}
