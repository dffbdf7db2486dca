package split_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/split"
	"github.com/cloudmastershub/cmh/tui/theme"
	"github.com/cloudmastershub/cmh/words"
)

// The terminal is asked what it draws on, and what it answers is not typed into
// the lab, wherever it is cut and whatever is in it.
func TestWhatTheTerminalSays(t *testing.T) {
	const light = "38;2;135;0;175"
	s := sit(t, 120, 40, split.Options{Look: theme.Look{Colours: colorprofile.TrueColor, Ask: true}})
	s.until("it asks", func() bool { return bytes.Contains(s.raw.Bytes(), []byte(ansi.RequestBackgroundColor)) })
	s.sees("Step 1/3")
	for _, odd := range []string{"\x1b]11;\x07", "\x1b]11;pink\x1b\\", "\x1b]10;rgb:0/0/0\x07", "\x1b]52;c;cm0=\x07", "\x1b]11;" + strings.Repeat("f", 5000) + "\x07"} {
		s.press(odd)
	}
	s.press("\x1b]11;rgb:ffff/f")
	s.press("fff/ffff\x1b")
	s.press("\\x")
	s.gets("x")
	s.until("it is drawn for a light one", func() bool { return bytes.Contains(s.raw.Bytes(), []byte(light)) })
	// Alt-] is a key, and so is everything behind what has no end.
	s.press("\x1b]")
	s.gets("\x1b]")
	s.press("\x1b]x")
	s.gets("\x1b]x")
	s.press("\x1b]11;rgb:" + strings.Repeat("0", 100))
	s.press("0000\rls\r")
	s.gets("\rls\r")
	// Pasted it is a text.
	s.prints("\x1b[?2004h")
	s.until("pasting is marked", func() bool { return bytes.Contains(s.raw.Bytes(), []byte("\x1b[?2004h")) })
	s.press("\x1b[200~\x1b]11;rgb:0/0/0\x07\x1b[201~")
	s.gets("\x1b[200~\x1b]11;rgb:0/0/0\x07\x1b[201~")
}

// A terminal is told the language while the one outside still says what it draws on.
func TestOpensWhileToldTheColour(t *testing.T) {
	de, _ := words.In("de")
	s := sit(t, 120, 40, split.Options{Look: theme.Look{Colours: colorprofile.TrueColor, Ask: true}, Words: de})
	s.until("it asks", func() bool { return bytes.Contains(s.raw.Bytes(), []byte(ansi.RequestBackgroundColor)) })
	s.press("\x1dT\x1b]11;rgb:ffff/ffff/ffff\x07")
	if got := s.there("/main-2").lab.Language; got != "de" {
		t.Errorf("the second terminal speaks %q", got)
	}
	s.until("it is drawn for a light one", func() bool { return bytes.Contains(s.raw.Bytes(), []byte("38;2;135;0;175")) })
}

// Who has said it, or wants no colours, is not asked.
func TestWhoIsNotAsked(t *testing.T) {
	for _, o := range []split.Options{
		{Look: theme.Look{On: theme.Dark, Colours: colorprofile.ANSI256}},
		{Look: theme.Look{Colours: colorprofile.ANSI256, Ask: true}, Mono: true},
	} {
		s := sit(t, 120, 40, o)
		s.sees("Step 1/3")
		s.mu.Lock()
		sent := s.raw.String()
		s.mu.Unlock()
		if strings.Contains(sent, ansi.RequestBackgroundColor) {
			t.Errorf("%+v is asked", o.Look)
		}
		if got, want := strings.Contains(sent, "38;5;177"), !o.Mono; got != want {
			t.Errorf("%+v: colours %v", o.Look, got)
		}
	}
}
