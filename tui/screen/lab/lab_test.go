package lab_test

import (
	"context"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/screen/lab"
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
		{"guest", demo.New(hub.User{}, screentest.Now), hub.User{}, 80, 20, "enter"},
		{"ready", screentest.Hub().Busy(), screentest.Ana, 80, 20, ""},
		{"ready cramped", screentest.Hub().Busy(), screentest.Ana, 40, 8, ""},
		{"ready large", screentest.Hub().Busy(), screentest.Ana, 120, 36, ""},
		{"failed check", screentest.Hub().Busy(), screentest.Ana, 80, 20, "c"},
		{"failed check cramped", screentest.Hub().Busy(), screentest.Ana, 40, 8, "c"},
		{"passed check", screentest.Hub().Busy(), screentest.Ana, 80, 20, "c c"},
		{"next step", screentest.Hub().Busy(), screentest.Ana, 80, 20, "c c n"},
		{"step before", screentest.Hub().Busy(), screentest.Ana, 80, 20, "c c n left"},
		{"hint", screentest.Hub().Busy(), screentest.Ana, 80, 20, "h"},
		{"solution asks", screentest.Hub().Busy(), screentest.Ana, 80, 20, "o"},
		{"solution", screentest.Hub().Busy(), screentest.Ana, 80, 20, "o y"},
		{"more time", screentest.Hub().Busy(), screentest.Ana, 80, 20, "e"},
		{"stop asks", screentest.Hub().Busy(), screentest.Ana, 80, 20, "x"},
		{"stop asks cramped", screentest.Hub().Busy(), screentest.Ana, 40, 8, "x"},
		{"stopped", screentest.Hub().Busy(), screentest.Ana, 80, 20, "x y"},
		{"not stopped", screentest.Hub().Busy(), screentest.Ana, 80, 20, "x n"},
		{"all done", screentest.Hub().Busy(), screentest.Ana, 80, 20, "c c n c c n c c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := screentest.Play(t, func(ctx context.Context) lab.Model {
				return lab.New(ctx, tt.api, screentest.Env(tt.user), screen.OpenLab{Lab: "fix-permissions"})
			}, tt.w, tt.h, strings.Fields(tt.keys)...)
			screentest.Shows(t, m.View(), tt.w, tt.h)
		})
	}
}

func TestLoading(t *testing.T) {
	t.Parallel()
	env := screentest.Env(screentest.Ana)
	m := lab.New(t.Context(), screentest.Hub(), env, screen.OpenLab{Lab: "fix-permissions"})
	if view := ansi.Strip(m.View()); !strings.Contains(view, "Loading…") {
		t.Errorf("before anything came:\n%s", view)
	}
}

// short is a hub with twelve minutes left today.
type short struct{ *demo.Hub }

func (s short) Usage(context.Context) (hub.Usage, error) {
	left := 12
	return hub.Usage{LabMinutes: hub.Used{Limit: 60, Used: 48, Remaining: &left}}, nil
}

// Who gets less time than a lab asks for is told when it starts.
func TestLessTimeThanTheLabAsksFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		api  lab.Backend
		said bool
	}{{short{screentest.Hub()}, true}, {screentest.Hub(), false}} {
		_, asked := screentest.Play(t, func(ctx context.Context) lab.Model {
			return lab.New(ctx, tt.api, screentest.Env(screentest.Ana), screen.OpenLab{Lab: "fix-permissions"})
		}, 80, 20, "enter")
		said := ""
		for _, msg := range asked {
			if s, ok := msg.(screen.Said); ok {
				said += s.Text + "\n"
			}
		}
		if strings.Contains(said, "12 of today's 60 lab minutes are left") != tt.said {
			t.Errorf("said %q", said)
		}
	}
}
