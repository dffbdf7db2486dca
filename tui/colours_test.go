package tui_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
)

// everyScreen is a way to each of them, and what marks the row under the cursor
// where there is one.
var everyScreen = []struct{ name, keys, mark string }{
	{"Home", "", "›"},
	{"Help", "?", "│"},
	{"Catalogue", "2 j", "›"},
	{"Search", "2 / l i n", "▏"},
	{"Labs", "3 j", "›"},
	{"Lab", "3 enter", ""},
	{"LabRuns", "3 enter c", ""},
	{"Progress", "4 j j", "›"},
	{"Me", "5", ""},
	{"Account", "5 a j", "›"},
	{"Revoke", "5 a x", "│"},
	{"Settings", ", j", "›"},
	{"Course", "2 enter", "›"},
	{"Lesson", "2 enter enter", ""},
	{"Outline", "2 enter enter o", "›"},
	{"Find", "2 enter enter / w h o enter", "\x1b[7mWho"},
	{"Quiz", "2 enter enter t j x", "›"},
	{"QuizResult", "2 enter enter t enter n n x tab enter", "✗"},
}

var (
	coloured = regexp.MustCompile(`\x1b\[([0-9;:]*;)?(3[0-8]|4[0-8]|9[0-7]|10[0-7])([;:][0-9;:]*)?m`)
	deep     = regexp.MustCompile(`\x1b\[[0-9;:]*[34]8[;:]`)
)

// TestEveryScreenInFewColours draws each with the sixteen colours that every
// terminal has, and with none: what is chosen shows in both, and nothing needs
// more.
func TestEveryScreenInFewColours(t *testing.T) {
	for _, as := range []struct {
		name    string
		profile colorprofile.Profile
		w, h    int
	}{{"16", colorprofile.ANSI, 80, 24}, {"none", colorprofile.ASCII, 80, 24}, {"16_200x60", colorprofile.ANSI, 200, 60}} {
		for _, s := range everyScreen {
			t.Run(as.name+"/"+s.name, func(t *testing.T) {
				o := options()
				o.Settings = demo.SomeSettings()
				view := drawn(t, newHub(screentest.Ana).Busy(), o, tells{first: tea.ColorProfileMsg{Profile: as.profile}}, as.w, as.h, strings.Fields(s.keys)...)
				var out bytes.Buffer
				if _, err := (&colorprofile.Writer{Forward: &out, Profile: as.profile}).WriteString(view); err != nil {
					t.Fatal(err)
				}
				got := out.String()
				if as.profile == colorprofile.ASCII && coloured.MatchString(got) {
					t.Errorf("colour: %q", coloured.FindString(got))
				}
				if deep.MatchString(got) {
					t.Errorf("more than sixteen colours: %q", deep.FindString(got))
				}
				if !strings.Contains(got, s.mark) {
					t.Errorf("no %q", s.mark)
				}
				for i, l := range strings.Split(got, "\n") {
					if w := ansi.StringWidth(l); w > as.w {
						t.Errorf("line %d has %d columns", i+1, w)
					}
				}
				golden.RequireEqual(t, got)
			})
		}
	}
}
