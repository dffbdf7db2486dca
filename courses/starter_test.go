package courses_test

import (
	"testing"

	"github.com/cloudmastershub/cmh/courses"
)

// Every starter course has what a learner was promised.
func TestStarterCoursesAreWhole(t *testing.T) {
	t.Parallel()
	providers := map[string]bool{}
	for name, folder := range courses.Starter() {
		c, err := courses.Read(folder)
		if err != nil {
			t.Errorf("%s:\n%v", name, err)
			continue
		}
		providers[c.Document.Provider] = true
		quizzes := 0
		for _, l := range c.Document.Lessons {
			if len(l.Body) < 1500 {
				t.Errorf("%s: lesson %s has %d bytes: is it worth reading?", c.Document.Slug, l.ID, len(l.Body))
			}
			if l.Quiz != nil {
				quizzes++
			}
		}
		if len(c.Document.Lessons) < 4 || quizzes < 1 || len(c.Labs) < 2 {
			t.Errorf("%s has %d lessons, %d quizzes and %d labs", c.Document.Slug, len(c.Document.Lessons), quizzes, len(c.Labs))
		}
		for _, l := range c.Labs {
			if len(l.Warnings) > 0 {
				t.Errorf("%s: lab %s: %v", c.Document.Slug, l.Title, l.Warnings)
			}
			for i, s := range l.Steps {
				if !s.Checked() || s.Solve == nil || len(s.Hints) == 0 {
					t.Errorf("%s: lab %s: step %d lacks a check, a solution or a hint", c.Document.Slug, l.Title, i+1)
				}
			}
		}
	}
	for _, p := range []string{"aws", "azure", "gcp", "multi"} {
		if !providers[p] {
			t.Errorf("there is no starter course for %s", p)
		}
	}
}
