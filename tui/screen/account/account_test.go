package account_test

import (
	"context"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/screen/account"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
)

func TestView(t *testing.T) {
	t.Parallel()
	ana := screentest.Ana
	ana.Email = "ana@example.com"
	for _, tt := range []struct {
		name string
		api  account.Backend
		env  screen.Env
		w, h int
		keys string
	}{
		{"80x24", screentest.Hub(), screentest.Env(ana), 80, 20, ""},
		{"80x24 below", screentest.Hub(), screentest.Env(ana), 80, 20, "G"},
		{"120x40", screentest.Hub(), screentest.Env(ana), 120, 36, "j"},
		{"40x10", screentest.Hub(), screentest.Env(ana), 40, 6, "j j"},
		{"40x10 above", screentest.Hub(), screentest.Env(ana), 40, 6, "j k g"},
		{"asks", screentest.Hub(), screentest.Env(ana), 80, 20, "x"},
		{"asks cramped", screentest.Hub(), screentest.Env(ana), 40, 6, "j j x"},
		{"revoked", screentest.Hub(), screentest.Env(ana), 80, 20, "x y x y x y"},
		{"this one", screentest.Hub(), screentest.Env(ana), 80, 20, "j j j x y"},
		{"guest", demo.New(hub.User{}, screentest.Now), screentest.Env(hub.User{}), 80, 20, ""},
		{"failed", screentest.Offline(), screentest.Env(ana), 80, 20, ""},
		{"offline", screentest.Hub().Away(), screentest.Away(screentest.Hub().Away()), 80, 20, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := screentest.Play(t, func(ctx context.Context) account.Model { return account.New(ctx, tt.api, tt.env) }, tt.w, tt.h, strings.Fields(tt.keys)...)
			screentest.Shows(t, m.View(), tt.w, tt.h)
		})
	}
}

// Each is ended after a yes in one's own language, and after nothing else.
func TestRevoke(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{"x y": "ci of the 世界 team is revoked.", "x n": "", "x enter": "", "j j x y": "laptop is removed.", "G x y": "a program is signed out.", "j j j x y": "That is where you are right now: cmh auth logout ends it."} {
		api := screentest.Hub()
		m, asked := screentest.Play(t, func(ctx context.Context) account.Model { return account.New(ctx, api, screentest.Env(screentest.Ana)) }, 80, 40, strings.Fields(keys)...)
		said := ""
		for _, msg := range asked {
			if s, ok := msg.(screen.Said); ok {
				said = s.Text
			}
		}
		if said != want {
			t.Errorf("%s: said %q, want %q", keys, said, want)
		}
		if name, _, ok := strings.Cut(want, " is "); ok && name != "That" && strings.Contains(ansi.Strip(m.View()), name+" ") {
			t.Errorf("%s: it is still there:\n%s", keys, ansi.Strip(m.View()))
		}
	}
}
