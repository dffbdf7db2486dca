package theme

import (
	"image/color"
	"math"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// Background is what a terminal draws on.
type Background string

// The backgrounds. Of one that isn't known the colours are the sixteen of the
// terminal's own palette: its owner has made them readable.
const (
	Unknown Background = ""
	Light   Background = "light"
	Dark    Background = "dark"
)

// Named is the background of that name; of any other, such as auto, Unknown.
func Named(name string) Background {
	if b := Background(name); b == Light || b == Dark {
		return b
	}
	return Unknown
}

// Hinted is what a terminal says in the variable COLORFGBG: the colours of its
// letters and of what is behind them, of the sixteen.
func Hinted(colorfgbg string) Background {
	n, err := strconv.Atoi(colorfgbg[strings.LastIndexByte(colorfgbg, ';')+1:])
	switch {
	case err != nil || n < 0 || n > 15:
		return Unknown
	case n == 7 || n > 8:
		return Light
	}
	return Dark
}

// Seen is what a terminal answers that was asked for its background; nil is no
// answer.
func Seen(c color.Color) Background {
	switch {
	case c == nil:
		return Unknown
	case luminance(c) > middle:
		return Light
	}
	return Dark
}

// middle is the luminance on which white and black read equally well.
const middle = 0.179

// luminance is how bright a colour is, from 0 to 1, as WCAG 2 counts it.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		f := float64(v) / 0xffff
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

// Look is what is known of how a terminal shows colours.
type Look struct {
	On      Background
	Colours colorprofile.Profile
	Ask     bool // the terminal may know better than On, and can be asked
}

// Told is the look that somebody wishes for, and without a wish what their
// environment tells.
func Told(wish Background, getenv func(string) string) Look {
	var vars []string
	for _, name := range []string{"TERM", "COLORTERM", "WT_SESSION"} {
		if v := getenv(name); v != "" {
			vars = append(vars, name+"="+v)
		}
	}
	l := Look{wish, colorprofile.Env(vars), false}
	if getenv("NO_COLOR") != "" { // whatever it says
		l.Colours = min(l.Colours, colorprofile.ASCII)
	}
	if wish == Unknown {
		l.On, l.Ask = Hinted(getenv("COLORFGBG")), l.Colours > colorprofile.ASCII && answers(getenv("TERM"))
	}
	return l
}

// answers reports whether a terminal of that name can be asked for a colour: old
// ones would print the question.
func answers(name string) bool {
	for _, deaf := range []string{"linux", "vt", "ansi", "cons", "sun"} {
		if strings.HasPrefix(name, deaf) {
			return false
		}
	}
	return true
}

// Answered is the look of a terminal that was asked what it draws on, once it has
// said c.
func (l Look) Answered(c color.Color) Look {
	if on := Seen(c); on != Unknown {
		l.On, l.Ask = on, false
	}
	return l
}

// A palette has the colour of each role on one kind of background. All are among
// the 256 of xterm, so that nothing is lost where there are no more; of the sixteen
// it is the half that suits. A test holds each to what WCAG asks of text.
type palette struct{ accent, good, bad, faint color.Color }

func (l Look) palette() palette {
	switch few := l.Colours == colorprofile.ANSI; {
	case l.On == Light && few:
		return palette{lipgloss.Magenta, lipgloss.Green, lipgloss.Red, nil}
	case l.On == Light:
		return palette{rgb(0x8700af), rgb(0x005f00), rgb(0xaf0000), rgb(0x626262)}
	case few:
		return palette{lipgloss.BrightMagenta, lipgloss.BrightGreen, lipgloss.BrightRed, nil}
	}
	return palette{rgb(0xd787ff), rgb(0x87d787), rgb(0xff8787), rgb(0x9e9e9e)}
}

func rgb(c uint32) color.Color { return color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 0xff} }

// New is the theme for a terminal that looks so.
func New(l Look) Theme {
	t := Default()
	t.Look = l
	if l.On == Unknown || l.Colours <= colorprofile.ASCII {
		return t
	}
	p := l.palette()
	paint := func(c color.Color, styles ...*lipgloss.Style) {
		for _, s := range styles {
			*s = s.Foreground(l.Colours.Convert(c))
		}
	}
	paint(p.accent, &t.Brand, &t.Section, &t.Selected, &t.Accent)
	paint(p.good, &t.Good)
	paint(p.bad, &t.Bad)
	if p.faint != nil { // no grey of the sixteen is safe: in some palettes it is the background
		t.Faint = lipgloss.NewStyle()
		paint(p.faint, &t.Faint)
	}
	return t
}

// Inks are the colours of what stands out and of what may be overlooked, as the
// parameters of the sequence that begins them.
func (t Theme) Inks() (accent, faint string) { return ink(t.Accent), ink(t.Faint) }

func ink(s lipgloss.Style) string {
	if _, none := s.GetForeground().(lipgloss.NoColor); none {
		if s.GetFaint() {
			return "2"
		}
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(ansi.Style{}.ForegroundColor(s.GetForeground()).String(), "\x1b["), "m")
}
