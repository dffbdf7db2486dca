package tui_test

import (
	"bytes"
	"image/color"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"github.com/cloudmastershub/cmh/tui"
	"github.com/cloudmastershub/cmh/tui/screen/screentest"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
	"github.com/cloudmastershub/cmh/tui/theme"
)

// TestLightAndDark draws some screens for either background. It makes no difference
// whether that was known from the beginning or the terminal has said it later.
func TestLightAndDark(t *testing.T) {
	for on, ground := range map[theme.Background]color.Color{theme.Light: color.White, theme.Dark: color.Black} {
		for _, s := range []struct{ name, keys string }{
			{"Home", ""}, {"Lesson", "2 enter enter"}, {"LabRuns", "3 enter c"}, {"QuizResult", "2 enter enter t enter n n x tab enter"}, {"Progress", "4 j j"}, {"Me", "5"},
		} {
			t.Run(string(on)+"/"+s.name, func(t *testing.T) {
				o, keys := options(), strings.Fields(s.keys)
				deep := tea.ColorProfileMsg{Profile: colorprofile.TrueColor}
				later := drawn(t, newHub(screentest.Ana).Busy(), o, tells{deep, tea.BackgroundColorMsg{Color: ground}}, 80, 24, keys...)
				o.On = on
				known := drawn(t, newHub(screentest.Ana).Busy(), o, tells{first: deep}, 80, 24, keys...)
				contrary := drawn(t, newHub(screentest.Ana).Busy(), o, tells{deep, tea.BackgroundColorMsg{Color: color.Gray16{0x8888}}}, 80, 24, keys...)
				if contrary != known {
					t.Error("the terminal's answer wins over the learner's wish")
				}
				if s.name != "LabRuns" && later != known { // what was said of a check stays as it was said
					t.Errorf("what was known later looks otherwise:\n%q\n%q", later, known)
				}
				golden.RequireEqual(t, known)
			})
		}
	}
}

// The terminal is asked what it draws on once, when somebody would see the
// difference, nobody has said it, and it would understand the question.
func TestWhoIsAsked(t *testing.T) {
	for _, tt := range []struct {
		name    string
		on      theme.Background
		env     []string
		colours colorprofile.Profile
		asked   bool
	}{
		{"xterm", theme.Unknown, []string{"TERM=xterm-256color"}, colorprofile.ANSI256, true},
		{"xterm that has said something", theme.Unknown, []string{"TERM=xterm-256color", "COLORFGBG=15;0"}, colorprofile.TrueColor, true},
		{"tmux", theme.Unknown, []string{"TERM=tmux-256color"}, colorprofile.ANSI256, true},
		{"somebody has said it", theme.Light, []string{"TERM=xterm-256color"}, colorprofile.ANSI256, false},
		{"no colours", theme.Unknown, []string{"TERM=xterm-256color", "NO_COLOR=1"}, colorprofile.ASCII, false},
		{"no terminal", theme.Unknown, []string{"TERM=xterm-256color"}, colorprofile.NoTTY, false},
		{"dumb", theme.Unknown, []string{"TERM=dumb"}, colorprofile.NoTTY, false},
		{"console", theme.Unknown, []string{"TERM=linux"}, colorprofile.ANSI, false},
	} {
		for _, order := range []string{"colours first", "environment first"} {
			t.Run(tt.name+", "+order, func(t *testing.T) {
				o := options()
				o.On = tt.on
				m := tui.New(t.Context(), newHub(screentest.Ana), o)
				msgs := []tea.Msg{tea.ColorProfileMsg{Profile: tt.colours}, tea.EnvMsg(tt.env)}
				if order == "environment first" {
					msgs[0], msgs[1] = msgs[1], msgs[0]
				}
				asked := 0
				for _, msg := range append(msgs, msgs...) {
					var cmd tea.Cmd
					if m, cmd = m.Update(msg); cmd != nil {
						if cmd() == (tea.RawMsg{Msg: ansi.RequestBackgroundColor}) {
							asked++
						}
					}
				}
				if (asked == 1) != tt.asked || asked > 1 {
					t.Errorf("asked %d times, want %v", asked, tt.asked)
				}
			})
		}
	}
}

// A program without a terminal sends no question to whatever is there instead.
func TestNoTerminalIsAsked(t *testing.T) {
	var out bytes.Buffer
	in, w := io.Pipe()
	defer w.Close()
	go func() { _, _ = w.Write([]byte("\x03")) }()
	_ = tui.Run(t.Context(), newHub(screentest.Ana), tui.Options{In: in, Out: &out, Env: []string{"TERM=xterm-256color", "COLORTERM=truecolor"}})
	if strings.Contains(out.String(), ansi.RequestBackgroundColor) {
		t.Errorf("%q", out.String())
	}
}

// Who changes the setting sees what it does.
func TestTheThemeChangesAtOnce(t *testing.T) {
	deep := tells{first: tea.ColorProfileMsg{Profile: colorprofile.ANSI256}}
	for keys, want := range map[string]string{"": "35m", "enter": "38;5;91m", "enter enter": "38;5;177m", "enter enter x": "35m"} {
		o := options()
		o.Settings = demo.SomeSettings()
		got := drawn(t, newHub(screentest.Ana), o, deep, 80, 24, append([]string{",", "G"}, strings.Fields(keys)...)...)
		if !strings.Contains(got, want) {
			t.Errorf("after %q there is no %q:\n%q", keys, want, got)
		}
	}
}

// The second half of an answer that a slow line has cut is no keys; what comes
// behind it is.
func TestAnswersAreNoKeys(t *testing.T) {
	if got, want := drawn(t, newHub(screentest.Ana), options(), tells{first: uv.UnknownEvent("\x1b]11;\a")}, 80, 24, "2"), still(t, newHub(screentest.Ana), options(), 80, 24, "2"); got != want {
		t.Errorf("after an empty answer 2 opens:\n%s", ansi.Strip(got))
	}
	cut := tells{first: uv.UnknownEvent("\x1b]11;rgb:f")}
	for keys, same := range map[string]string{"f / 2 b": "", "2 z 2": "2", "z / 2": "/ 2"} {
		got := drawn(t, newHub(screentest.Ana), options(), cut, 80, 24, strings.Fields(keys)...)
		if want := still(t, newHub(screentest.Ana), options(), 80, 24, strings.Fields(same)...); got != want {
			t.Errorf("after half an answer, %q is not %q:\n%s", keys, same, ansi.Strip(got))
		}
	}
}

// An answer that is still on its way is waited for by who leaves, or it would be
// typed into their shell; a silent terminal keeps nobody.
func TestLeavingWaitsForTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options()
		o.Now = nil
		m := tui.New(t.Context(), newHub(screentest.Ana), o)
		for _, msg := range []tea.Msg{tea.WindowSizeMsg{Width: 80, Height: 24}, tea.ColorProfileMsg{Profile: colorprofile.ANSI256}, tea.EnvMsg{"TERM=xterm-256color"}} {
			m, _ = m.Update(msg)
		}
		m, silent := m.Update(screentest.Key("q"))
		began := time.Now()
		if _, quits := silent().(tea.QuitMsg); !quits || time.Since(began) != 200*time.Millisecond {
			t.Errorf("a silent terminal: %v after %s", quits, time.Since(began))
		}
		if _, answered := m.Update(tea.BackgroundColorMsg{Color: color.Black}); answered == nil {
			t.Error("the terminal has answered, and nobody leaves")
		} else if _, quits := answered().(tea.QuitMsg); !quits {
			t.Error("the terminal has answered, and nobody leaves")
		}
	})
}
