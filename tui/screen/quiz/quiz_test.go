package quiz_test

import (
	"context"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen/quiz"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
)

func TestView(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		api  *demo.Hub
		user hub.User
		w, h int
		keys string
	}{
		{"wide", screentest.Hub(), screentest.Ana, 80, 20, ""},
		{"cramped", screentest.Hub(), screentest.Ana, 40, 8, ""},
		{"offline", screentest.Offline(), screentest.Ana, 80, 20, ""},
		{"offline cramped", screentest.Offline(), screentest.Ana, 40, 8, ""},
		{"second question", screentest.Hub(), screentest.Ana, 80, 20, "enter j space"},
		{"by number", screentest.Hub(), screentest.Ana, 80, 20, "2 1 3 3 9"},
		{"typed", screentest.Hub(), screentest.Ana, 80, 20, "n n c h o w n"},
		{"last page", screentest.Hub(), screentest.Ana, 80, 20, "enter n c h enter"},
		{"result", screentest.Hub(), screentest.Ana, 80, 20, "enter space n c h enter enter"},
		{"result cramped", screentest.Hub(), screentest.Ana, 40, 8, "enter space n c h enter enter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := screentest.Play(t, func(ctx context.Context) quiz.Model {
				return quiz.New(ctx, tt.api, screentest.Env(tt.user), "linux-basics", "permissions")
			}, tt.w, tt.h, strings.Fields(tt.keys)...)
			screentest.Shows(t, m.View(), tt.w, tt.h)
		})
	}
}

func TestLoading(t *testing.T) {
	t.Parallel()
	env := screentest.Env(screentest.Ana)
	m := quiz.New(t.Context(), screentest.Hub(), env, "linux-basics", "permissions")
	if view := ansi.Strip(m.View()); !strings.Contains(view, "Loading…") {
		t.Errorf("before anything came:\n%s", view)
	}
}

// paper keeps the answers that were handed in.
type paper struct {
	*demo.Hub
	answers map[string][]string
}

func (p *paper) TakeQuiz(ctx context.Context, course, lesson string, a hub.QuizAnswers) (hub.QuizResult, error) {
	p.answers = a.Answers
	return p.Hub.TakeQuiz(ctx, course, lesson, a)
}

func TestAnswersAreHandedIn(t *testing.T) {
	t.Parallel()
	p := &paper{Hub: screentest.Hub()}
	keys := strings.Fields("j enter space j j space n q enter enter")
	screentest.Play(t, func(ctx context.Context) quiz.Model {
		return quiz.New(ctx, p, screentest.Env(screentest.Ana), "linux-basics", "permissions")
	}, 80, 20, keys...)
	want := map[string][]string{"q1": {"b"}, "q2": {"a", "c"}, "q3": {"q"}}
	if diff := cmp.Diff(want, p.answers); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What is named below does something, and what goes on is said.
func TestKeysAndWhatGoesOn(t *testing.T) {
	t.Parallel()
	open := func(ctx context.Context) quiz.Model {
		return quiz.New(ctx, screentest.Hub(), screentest.Env(screentest.Ana), "linux-basics", "permissions")
	}
	for keys, want := range map[string]string{
		"n n": "enter next, shift+tab previous, esc back", "n n c": "enter next, shift+tab previous, esc clear", "n n enter": "enter hand in, p previous",
	} {
		m, _ := screentest.Play(t, open, 80, 20, strings.Fields(keys)...)
		var got []string
		for _, k := range m.Keys() {
			got = append(got, k.Help().Key+" "+k.Help().Desc)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q", keys, got, want)
		}
	}
	m, _ := screentest.Play(t, open, 80, 20, strings.Fields("enter n c h enter")...)
	m, cmd := m.Update(screentest.Key("enter"))
	if view := ansi.Strip(m.View()); !strings.Contains(view, "◌ Handing in…") || len(m.Keys()) > 0 {
		t.Errorf("while it is handed in:\n%s", view)
	}
	m, _ = m.Update(cmd())
	if view := ansi.Strip(m.View()); strings.Contains(view, "◌") || len(m.Keys()) == 0 {
		t.Errorf("afterwards:\n%s", view)
	}
}

func TestAGuestCannotHandIn(t *testing.T) {
	t.Parallel()
	p := &paper{Hub: screentest.Hub()}
	_, asked := screentest.Play(t, func(ctx context.Context) quiz.Model {
		return quiz.New(ctx, p, screentest.Env(hub.User{}), "linux-basics", "permissions")
	}, 80, 20, strings.Fields("enter n enter enter")...)
	if p.answers != nil || len(asked) != 1 {
		t.Errorf("handed in %v, asked %v", p.answers, asked)
	}
}
