package words

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// made is a text that remembers what it was made of, as the hub's do.
type made struct {
	format string
	args   []any
}

func (m made) String() string          { return fmt.Sprintf(m.format, m.args...) }
func (m made) Format() (string, []any) { return m.format, m.args }

func TestTextsWithinTexts(t *testing.T) {
	t.Parallel()
	de, ok := In("de")
	if !ok {
		t.Fatal("no German")
	}
	inner := made{"%d hours", []any{3}}
	const limit = "This lab cannot be extended any more: in your tier a lab lives %s at most."
	for name, test := range map[string]struct{ got, want string }{
		"an argument":             {de.Tf(limit, inner), "Dieses Lab lässt sich nicht mehr verlängern: in deiner Stufe lebt ein Lab höchstens 3 Stunden."},
		"in English":              {Speaker{}.Tf(limit, inner), "This lab cannot be extended any more: in your tier a lab lives 3 hours at most."},
		"a message":               {de.Said(fmt.Sprintf(limit, inner), limit, inner), "Dieses Lab lässt sich nicht mehr verlängern: in deiner Stufe lebt ein Lab höchstens 3 Stunden."},
		"only an argument":        {de.Said("3 hours", "%s", inner), "3 Stunden"},
		"nobody has said it":      {de.Said("Nope.", ""), "Nope."},
		"somebody else's message": {de.Said("This is too long.", ""), "Das ist zu lang."},
		"an error":                {de.Tf("%s, and %s", errors.New("x"), "y"), "x, und y"},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", name, test.got, test.want)
		}
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "en", "*": "en", "de": "de", "de-AT,de;q=0.9,en;q=0.8": "de", "en-GB,en;q=0.9,de;q=0.8": "en", "fr, de;q=0.3": "de",
		"de;q=0": "en", "de;q=nope": "en", "en;q=0.5,de;q=0.6": "de", "fr": "en", "de;q=7,en;q=0.1": "en", ",,;;q=": "en", " DE-ch ; q = 1": "de",
	} {
		if got := Accept(header).Language(); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func FuzzAccept(f *testing.F) {
	f.Add("de-AT,de;q=0.9,en;q=0.8")
	f.Add(strings.Repeat("de,", 1000))
	f.Fuzz(func(t *testing.T, header string) {
		if l := Accept(header).Language(); l != "en" && l != "de" {
			t.Errorf("%q: %s", header, l)
		}
	})
}
