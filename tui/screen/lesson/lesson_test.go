package lesson_test

import (
	"context"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen/lesson"
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
		{"end", screentest.Hub(), screentest.Ana, 80, 20, "G"},
		{"unfolded", screentest.Hub(), screentest.Ana, 80, 36, "u"},
		{"copy", screentest.Hub(), screentest.Ana, 80, 20, "y"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := screentest.Play(t, func(ctx context.Context) lesson.Model {
				return lesson.New(ctx, tt.api, screentest.Env(tt.user), "linux-basics", "permissions")
			}, tt.w, tt.h, strings.Fields(tt.keys)...)
			screentest.Shows(t, m.View(), tt.w, tt.h)
		})
	}
}

// A video is a link, and what is said in it can be read.
func TestVideo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, keys string }{{"folded", ""}, {"unfolded", "u"}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := screentest.Play(t, func(ctx context.Context) lesson.Model {
				return lesson.New(ctx, screentest.Hub(), screentest.Env(screentest.Ana), "linux-basics", "umask")
			}, 80, 20, strings.Fields(tt.keys)...)
			screentest.Shows(t, m.View(), 80, 20)
		})
	}
}

func TestLoading(t *testing.T) {
	t.Parallel()
	env := screentest.Env(screentest.Ana)
	m := lesson.New(t.Context(), screentest.Hub(), env, "linux-basics", "permissions")
	if view := ansi.Strip(m.View()); !strings.Contains(view, "Loading…") {
		t.Errorf("before anything came:\n%s", view)
	}
}
