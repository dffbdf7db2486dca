package courses_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/heirtest"
	"github.com/cloudmastershub/cmh/labs/image"
	"github.com/cloudmastershub/cmh/labs/proof"
)

// Every check of every starter lab is red before its step's solution, saying
// why, and green after it, in a fresh sandbox and again from a reset, with the
// solution typed into the learner's terminal.
func TestStarterLabsAreProven(t *testing.T) {
	t.Parallel()
	var subjects []proof.Subject
	for course, folder := range courses.Starter() {
		c, err := courses.Read(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, sc := range c.Labs {
			subjects = append(subjects, proof.Subject{Name: course + "/" + sc.Slug, Scenario: sc, Own: true})
		}
	}
	prover := proof.Prover{Stage: proof.Here(realEngine(t)), Abilities: []string{"linux"}, Parallel: 4, Strict: true}
	found, err := prover.Prove(t.Context(), subjects)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range found {
		if l.State != proof.LabProven {
			t.Errorf("%s is %s: %s\n%+v", l.Name, l.State, l.Reason, l.Steps)
		}
		for _, st := range l.Steps {
			if st.State != proof.Proven || st.Plays[0].Red == "" {
				t.Errorf("step %d of %s is %s, saying %q while it is red; it should be proven and say why", st.Number, l.Name, st.State, st.Plays[0].Red)
			}
		}
	}
}

// realEngine makes sandboxes out of the base image, as the server does.
func realEngine(t *testing.T) *labs.Engine {
	t.Helper()
	dir, agent := os.Getenv("CMH_IMAGE_DIR"), os.Getenv("CMH_LAB_AGENT")
	if dir == "" || agent == "" {
		t.Fatal("CMH_IMAGE_DIR and CMH_LAB_AGENT are not set: run the tests with `make test`, which builds both")
	}
	images, err := image.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	state, err := os.MkdirTemp("", "labs")
	if err != nil {
		t.Fatal(err)
	}
	heirtest.Leave(t, state)
	d, err := local.Open(context.Background(), local.Config{State: filepath.Join(state, "s"), Images: images, Agent: agent})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(); os.RemoveAll(state) })
	return &labs.Engine{Driver: d}
}
