package tui_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
)

// TestTheFooterNamesNoIdleKey presses each key that the last line of a screen names:
// something must become of it, also where nothing is there or nobody is signed in.
func TestTheFooterNamesNoIdleKey(t *testing.T) {
	for _, at := range []struct {
		name string
		hub  func() tui.Backend
	}{
		{"busy", func() tui.Backend { return newHub(screentest.Ana).Busy() }},
		{"new", func() tui.Backend { return newHub(screentest.Ana) }},
		{"empty", func() tui.Backend { return newHub(screentest.Ana).Empty() }},
		{"guest", func() tui.Backend { return newHub(hub.User{}) }},
	} {
		for _, s := range everyScreen {
			t.Run(at.name+"/"+s.name, func(t *testing.T) {
				press := func(more ...string) string {
					o := options()
					o.Settings = demo.SomeSettings()
					return drawn(t, at.hub(), o, tells{}, 100, 24, append(strings.Fields(s.keys), more...)...)
				}
				before := press()
				lines := strings.Split(ansi.Strip(before), "\n")
				for named := range strings.SplitSeq(lines[len(lines)-1], " · ") {
					name, does, ok := strings.Cut(strings.TrimSpace(named), " ")
					switch {
					case !ok || name == "r" || name == "q" || name == "any": // asks the hub again, ends, is a question's
						continue
					case name == "↑↓":
						if press("down") == before && press("up") == before {
							t.Errorf("%q does nothing:\n%s", named, ansi.Strip(before))
						}
						continue
					case len(name) == 3 && name[1] == '-': // a range of keys
						if press(name[:1]) == before && press(name[2:]) == before {
							t.Errorf("%q does nothing:\n%s", named, ansi.Strip(before))
						}
						continue
					case name == "←":
						name = "left"
					case name == "→":
						name = "right"
					case name == "shift+tab": // no name here
						continue
					}
					if press(name) == before {
						t.Errorf("%q does nothing: %s\n%s", name, does, ansi.Strip(before))
					}
				}
			})
		}
	}
}
