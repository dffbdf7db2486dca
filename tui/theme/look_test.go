package theme_test

import (
	"fmt"
	"image/color"
	"math"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/cloudmastershub/cmh/tui/theme"
)

// contrast is the contrast ratio of two colours, as WCAG 2.2 defines it.
func contrast(a, b color.Color) float64 {
	luminance := func(c color.Color) float64 {
		sum := 0.0
		r, g, b, _ := c.RGBA()
		for i, v := range []uint32{r, g, b} {
			f := float64(v) / 0xffff
			if f <= 0.04045 {
				f /= 12.92
			} else {
				f = math.Pow((f+0.055)/1.055, 2.4)
			}
			sum += f * []float64{0.2126, 0.7152, 0.0722}[i]
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// Every role can be read on the backgrounds that people have, in as many colours
// as their terminals do: all of them stand for text somewhere. Of the sixteen, what
// is behind the text is of the same palette.
func TestContrast(t *testing.T) {
	t.Parallel()
	const enough = 4.5 // level AA; for what only decorates, 3 would be
	grounds := map[theme.Background][]string{
		theme.Dark:  {"#000000", "#1e1e1e", "#282a36", "#002b36", "#2e3440", "#300a24", "#1e1e2e"},
		theme.Light: {"#ffffff", "#fdf6e3", "#eff1f5", "#fbf1c7", "#fafafa", "#eeeeee"},
	}
	for on, all := range grounds {
		for _, colours := range []colorprofile.Profile{colorprofile.TrueColor, colorprofile.ANSI256, colorprofile.ANSI} {
			th := theme.New(theme.Look{On: on, Colours: colours})
			roles := map[string]lipgloss.Style{
				"brand": th.Brand, "section": th.Section, "selected": th.Selected, "accent": th.Accent, "good": th.Good, "bad": th.Bad, "faint": th.Faint,
			}
			if colours == colorprofile.ANSI {
				all = all[:1]
				delete(roles, "faint") // the terminal makes it out of its own foreground
				if !th.Faint.GetFaint() {
					t.Error("in sixteen colours what may be overlooked has one of them")
				}
			}
			for role, style := range roles {
				for _, ground := range all {
					if got := contrast(style.GetForeground(), lipgloss.Color(ground)); got < enough {
						t.Errorf("%s on %s, %s: %.2f, want %.1f", role, ground, colours, got, enough)
					}
				}
			}
		}
	}
}

// What a terminal draws on is what somebody says, else what the terminal answers,
// else what its environment tells; else the colours are its own.
func TestLook(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wish                  string
		term, colorterm, fgbg string
		none                  string
		on                    theme.Background
		colours               colorprofile.Profile
		ask                   bool
		answer                color.Color
		then                  theme.Background
		accentFaint           string
	}{
		{term: "xterm-256color", ask: true, colours: colorprofile.ANSI256, then: theme.Unknown, accentFaint: "35 2"},
		{term: "xterm-256color", fgbg: "15;0", on: theme.Dark, ask: true, colours: colorprofile.ANSI256, then: theme.Dark, accentFaint: "38;5;177 38;5;247"},
		{term: "xterm-256color", fgbg: "0;default;15", on: theme.Light, ask: true, colours: colorprofile.ANSI256, answer: color.Black, then: theme.Dark, accentFaint: "38;5;91 38;5;241"},
		{term: "xterm", fgbg: "0;15", on: theme.Light, ask: true, colours: colorprofile.ANSI, then: theme.Light, accentFaint: "35 2"},
		{term: "xterm", fgbg: "7;0", on: theme.Dark, ask: true, colours: colorprofile.ANSI, then: theme.Dark, accentFaint: "95 2"},
		{term: "xterm-256color", colorterm: "truecolor", ask: true, colours: colorprofile.TrueColor, answer: color.White, then: theme.Light, accentFaint: "35 2"},
		{wish: "light", term: "xterm-256color", colorterm: "truecolor", fgbg: "15;0", on: theme.Light, colours: colorprofile.TrueColor, then: theme.Light, accentFaint: "38;2;135;0;175 38;2;98;98;98"},
		{wish: "dark", term: "linux", on: theme.Dark, colours: colorprofile.ANSI, then: theme.Dark, accentFaint: "95 2"},
		{wish: "auto", term: "linux", colours: colorprofile.ANSI, then: theme.Unknown, accentFaint: "35 2"},
		{wish: "pink", term: "xterm-256color", fgbg: "x;y", ask: true, colours: colorprofile.ANSI256, then: theme.Unknown, accentFaint: "35 2"},
		{term: "xterm-256color", none: "yes", fgbg: "15;0", on: theme.Dark, colours: colorprofile.ASCII, then: theme.Dark, accentFaint: "35 2"},
		{term: "dumb", colours: colorprofile.NoTTY, then: theme.Unknown, accentFaint: "35 2"},
	} {
		t.Run(fmt.Sprintf("%s %s %s %s", tt.wish, tt.term, tt.colorterm, tt.fgbg), func(t *testing.T) {
			t.Parallel()
			vars := map[string]string{"TERM": tt.term, "COLORTERM": tt.colorterm, "COLORFGBG": tt.fgbg, "NO_COLOR": tt.none}
			l := theme.Told(theme.Named(tt.wish), func(name string) string { return vars[name] })
			if want := (theme.Look{On: tt.on, Colours: tt.colours, Ask: tt.ask}); l != want {
				t.Errorf("%+v, want %+v", l, want)
			}
			accent, faint := theme.New(l).Inks()
			if got := accent + " " + faint; got != tt.accentFaint {
				t.Errorf("inks %q, want %q", got, tt.accentFaint)
			}
			if l.Ask {
				l = l.Answered(tt.answer)
			}
			if l.On != tt.then || l.Ask != (tt.ask && tt.answer == nil) {
				t.Errorf("after the answer: %+v, want %q", l, tt.then)
			}
		})
	}
}

// Between light and dark lies the grey on which both read equally well.
func TestSeen(t *testing.T) {
	t.Parallel()
	for hex, want := range map[string]theme.Background{
		"#000000": theme.Dark, "#ffffff": theme.Light, "#0000ff": theme.Dark, "#ffff00": theme.Light, "#002b36": theme.Dark, "#fdf6e3": theme.Light,
		"#707070": theme.Dark, "#7a7a7a": theme.Light,
	} {
		if got := theme.Seen(lipgloss.Color(hex)); got != want {
			t.Errorf("%s is %s, want %s", hex, got, want)
		}
	}
}
