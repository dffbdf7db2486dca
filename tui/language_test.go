package tui_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/words"
)

func updating() bool { return flag.Lookup("update").Value.String() == "true" }

// TestTheScreensInGerman looks at each of them: German is longer than English,
// and no edge may break.
func TestTheScreensInGerman(t *testing.T) {
	o := options()
	o.Words, _ = words.In("de")
	f := play(t, newHub(screentest.Ana), o, 80, 24)
	for _, step := range []struct{ name, shows, keys string }{
		{"Home", "Willkommen, ana", ""},
		{"Help", "Katalog, Labs, Fortschritt, ich", "?"},
		{"Catalogue", "Wide characters", "x 2"},
		{"Course", "Der Weg", "enter"},
		{"Enrolled", "Du bist eingeschrieben", "e"},
		{"Lesson", "Lektion 1 von", "enter"},
		{"SecondLesson", "Lektion 2 von", "n"},
		{"Quiz", "Frage 1 von", "t"},
		{"Labs", "Fix the permissions", "esc 3"},
		{"Lab", "eine Maschine für dich", "enter"},
		{"LabRunning", "Das Lab ist bereit", "enter"},
		{"Progress", "Lekt.", "4"},
	} {
		keys(t, f, strings.Fields(step.keys)...)
		if want, err := os.ReadFile("testdata/" + t.Name() + "/" + step.name + ".golden"); err == nil && !updating() {
			until(t, f, func(screen string) bool { return screen == string(want) }, step.name+".golden")
		} else {
			sees(t, f, step.shows)
		}
		t.Run(step.name, func(t *testing.T) {
			screen := f.screen.String()
			for _, l := range strings.Split(screen, "\n") {
				if ansi.StringWidth(l) > 80 {
					t.Errorf("%d columns: %q", ansi.StringWidth(l), l)
				}
			}
			golden.RequireEqual(t, screen)
		})
	}
	quit(t, f)
}
