package home_test

import (
	"context"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen/home"
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
		{"guest", demo.New(hub.User{}, screentest.Now), hub.User{}, 80, 20, ""},
		{"empty", screentest.Hub().Empty(), screentest.Ana, 80, 20, ""},
		{"enrolled with a lab", screentest.Hub().Busy(), screentest.Ana, 80, 20, "j"},
		{"narrow", screentest.Hub().Busy(), screentest.Ana, 40, 20, ""},
		{"busy cramped", screentest.Hub().Busy(), screentest.Ana, 40, 6, ""},
		{"large", screentest.Hub().Busy(), screentest.Ana, 120, 36, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := screentest.Play(t, func(ctx context.Context) home.Model { return home.New(ctx, tt.api, screentest.Env(tt.user)) }, tt.w, tt.h, strings.Fields(tt.keys)...)
			screentest.Shows(t, m.View(), tt.w, tt.h)
		})
	}
}

func TestLoading(t *testing.T) {
	t.Parallel()
	env := screentest.Env(screentest.Ana)
	m := home.New(t.Context(), screentest.Hub(), env)
	if view := ansi.Strip(m.View()); !strings.Contains(view, "Loading…") {
		t.Errorf("before anything came:\n%s", view)
	}
}
