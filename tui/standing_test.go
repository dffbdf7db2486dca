package tui_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
)

// parked is on a train that stands: nobody need wait for it.
type parked struct{ *demo.Traveller }

func (p parked) Standing() (hub.Standing, <-chan struct{}) { return p.Stands(), nil }

// TestTheScreensOnATrain looks at each of them without the hub: all say so, and
// how old what they show is; what is kept can be read, and the rest says what it
// needs.
func TestTheScreensOnATrain(t *testing.T) {
	for _, s := range []struct{ name, keys string }{
		{"Home", ""},
		{"Catalogue", "2"},
		{"Labs", "3"},
		{"Progress", "4"},
		{"Me", "5 G"},
		{"Course", "2 enter"},
		{"NotLeft", "2 enter x"},
		{"Lesson", "2 enter enter"},
		{"Marked", "2 enter enter d"},
		{"Lab", "2 enter j enter"},
		{"Quiz", "2 enter enter t"},
		{"Account", "5 a"},
		{"Settings", ","},
		{"Help", "? j j"},
	} {
		for _, size := range []struct {
			name string
			w, h int
		}{{"80x24", 80, 24}, {"40x10", 40, 10}, {"120x40", 120, 40}} {
			t.Run(s.name+"_"+size.name, func(t *testing.T) {
				api := newHub(screentest.Ana).Busy().Away()
				api.Change(func(s *hub.Standing) { s.Waits = 3 })
				o := options()
				o.Settings = demo.SomeSettings()
				view := ansi.Strip(still(t, parked{api}, o, size.w, size.h, strings.Fields(s.keys)...))
				if s.name != "NotLeft" && s.name != "Marked" && !strings.Contains(view, "Offline · ") {
					t.Errorf("it doesn't say so:\n%s", view)
				}
				golden.RequireEqual(t, view)
			})
		}
	}
}

// TestBackFromTheTrain waits for the hub with a screen open: it says what the hub
// has been told, once, and nobody had to press anything.
func TestBackFromTheTrain(t *testing.T) {
	api := newHub(screentest.Ana).Busy().Away()
	f := play(t, api, options(), 80, 24)
	sees(t, f, "── Offline · as of 2 hours ago ──")
	sees(t, f, "Labs run at the hub")
	keys(t, f, "2")
	sees(t, f, "Wide characters")
	keys(t, f, "enter")
	sees(t, f, "lab · needs the hub")
	keys(t, f, "enter")
	sees(t, f, "Lesson 2 of 3")
	keys(t, f, "d")
	sees(t, f, "Marked as done on this machine.")
	keys(t, f, "1")
	sees(t, f, "── Offline · as of 2 hours ago · 1 change waits ──")
	api.Change(func(s *hub.Standing) { *s = hub.Standing{Told: 1} })
	sees(t, f, "Online again. The hub has recorded 1 change that you made offline.")
	sees(t, f, "Running labs")
	keys(t, f, "j")
	until(t, f, func(screen string) bool { return !strings.Contains(screen, "ffline") }, "nothing of it is left")
	quit(t, f)
}
