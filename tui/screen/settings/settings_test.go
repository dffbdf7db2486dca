package settings_test

import (
	"context"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/screen/settings"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
)

func play(t *testing.T, store settings.Store, w, h int, keys string) (settings.Model, []tea.Msg) {
	t.Helper()
	return screentest.Play(t, func(ctx context.Context) settings.Model {
		return settings.New(ctx, store, screentest.Env(screentest.Ana))
	}, w, h, strings.Fields(keys)...)
}

func TestView(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		w, h int
		keys string
	}{
		{"80x24", 80, 20, ""},
		{"120x40", 120, 36, "j j"},
		{"40x10", 40, 6, "j j j"},
		{"typing", 80, 20, "j enter m o r e"},
		{"changed", 80, 20, "j j enter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := play(t, demo.SomeSettings(), tt.w, tt.h, tt.keys)
			screentest.Shows(t, m.View(), tt.w, tt.h)
		})
	}
}

func TestChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, keys, setting, value, said string }{
		{"a choice", "j j enter", "accessible", "true", `accessible is "true", from the next start on.`},
		{"typed", "j enter m o r e enter", "pager", "more", `pager is "more", from the next start on.`},
		{"given up", "j enter m o r e esc", "pager", "", ""},
		{"taken away", "j j j x", "language", "", `language is "", from the next start on.`},
		{"something wins", "x", "server", "https://hub.example.com", `server stays "https://hub.example.com": CMH_SERVER wins over the file.`},
		{"refused, and still there to mend", "j enter n o n s e n s e enter backspace backspace enter", "pager", "nonsen", `pager is "nonsen", from the next start on.`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := demo.SomeSettings()
			_, asked := play(t, store, 80, 20, tt.keys)
			all, _ := store.List()
			for _, s := range all {
				if s.Name == tt.setting && s.Value != tt.value {
					t.Errorf("%s is %q, want %q", s.Name, s.Value, tt.value)
				}
			}
			said, refused := "", 0
			for _, msg := range asked {
				switch msg := msg.(type) {
				case screen.Said:
					said = msg.Text
				case screen.Failed:
					if refused++; hub.CodeOf(msg.Err) != hub.Invalid {
						t.Error(msg.Err)
					}
				}
			}
			if said != tt.said || (refused == 1) != strings.HasPrefix(tt.name, "refused") {
				t.Errorf("said %q, want %q; %d refused", said, tt.said, refused)
			}
		})
	}
}
