package words

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
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
	de, ok := With(os.DirFS("more")).In("de") // as the hub speaks
	if !ok {
		t.Fatal("no German")
	}
	inner := made{"%d hours", []any{3}}
	const limit = "This lab cannot be extended any more: in your tier a lab lives %s at most."
	for name, test := range map[string]struct{ got, want string }{
		"an argument":             {de.Tf(limit, inner), "Dieses Lab lässt sich nicht mehr verlängern: in deinem Tarif lebt ein Lab höchstens 3 Stunden."},
		"in English":              {Speaker{}.Tf(limit, inner), "This lab cannot be extended any more: in your tier a lab lives 3 hours at most."},
		"a message":               {de.Said(fmt.Sprintf(limit, inner), limit, inner), "Dieses Lab lässt sich nicht mehr verlängern: in deinem Tarif lebt ein Lab höchstens 3 Stunden."},
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

// What was kept as it is, is told with its values, whoever made it and when.
func TestTold(t *testing.T) {
	t.Parallel()
	de, _ := In("de")
	for text, want := range map[string]string{
		Kept("Going to step %d.", 7):     "Es geht zu Schritt 7.",
		"Going to step x.":               "Going to step x.",
		"Stopped.":                       "Gestoppt.",
		"Nobody used it for 30 minutes.": "Niemand hat es benutzt, 30 Minuten lang.",
		"this installation lacks Docker, several machines, my own thing": "dieser Installation fehlt Docker, mehrere Maschinen, my own thing",
		"You have begun this installation lacks Docker.":                 "Du hast „dieser Installation fehlt Docker“ begonnen.",
		"You are 40% through this lesson.":                               "Du hast 40 % dieser Lektion geschafft.",
		"The next lesson of 100% Go.":                                    "Die nächste Lektion von „100% Go“.",
		"/etc/passwd has been written to":                                "/etc/passwd has been written to", // an author's
		"needs a Service of type NodePort":                               "needs a Service of type NodePort",
		"web: needs a Service":                                           "web: needs a Service",
		"port: Not done yet.\nfiles: Put it there.\n":                    "port: Noch nicht erledigt.\nfiles: Put it there.\n",
		"Step 2 could not be checked: /bin/ls was changed while the check ran, and the check relies on it. Put it back, or start the lab again.": "Schritt 2 war nicht zu prüfen: /bin/ls wurde während der Prüfung geändert, und die Prüfung verlässt sich darauf. Stell es wieder her, oder starte das Lab neu.",
		`"my \"port\"" could not be checked: its check was killed. This says nothing about your work: try again.`:                                `"my \"port\"" war nicht zu prüfen: die Prüfung wurde abgebrochen. Über deine Arbeit sagt das nichts: versuch es noch einmal.`,
		"": "", "%s": "%s", "An author's own words.": "An author's own words.",
	} {
		if got := de.Told(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if got := (Speaker{}).Told(text); got != text {
			t.Errorf("in English %q became %q", text, got)
		}
	}
}

func FuzzTold(f *testing.F) {
	f.Add("Going to step 7.")
	f.Add("Step 2 could not be checked: needs needs needs needs , , %d")
	f.Add(`"\x" could not be checked: `)
	f.Fuzz(func(t *testing.T, text string) {
		de, _ := In("de")
		if got := de.Told(text); len(got) > 10*len(text)+1000 {
			t.Errorf("%q grew to %d bytes", text, len(got))
		}
		_ = de.Told(Kept("Step %d could not be checked: %s", 3, text))
	})
}

// The environment is read in the way of gettext.
func TestFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		setting, env, want string
	}{
		{"", "", "en"},
		{"", "LANG=de_DE.UTF-8", "de"},
		{"", "LANG=de", "de"},
		{"", "LANG=DE_de@euro", "de"},
		{"", "LANG=fr_FR.UTF-8", "en"},
		{"", "LANG=den", "en"},
		{"", "LANG=C.UTF-8", "en"},
		{"", "LANG=C.UTF-8 LANGUAGE=de", "en"},
		{"", "LANG=POSIX LANGUAGE=de", "en"},
		{"", "LANGUAGE=de", "en"},
		{"", "LANG=en_US.UTF-8 LANGUAGE=de:en", "de"},
		{"", "LANG=de_DE.UTF-8 LANGUAGE=fr:en:de", "en"},
		{"", "LANG=de_DE.UTF-8 LANGUAGE=fr:it", "de"},
		{"", "LANG=de_DE.UTF-8 LC_MESSAGES=en_GB.UTF-8", "en"},
		{"", "LANG=en_US LC_MESSAGES=de_CH", "de"},
		{"", "LC_ALL=C LC_MESSAGES=de_DE LANG=de_DE", "en"},
		{"", "LC_ALL=de_AT.UTF-8 LC_MESSAGES=en_GB LANG=C", "de"},
		{"", "LC_ALL= LANG=de_DE", "de"},
		{"de", "LC_ALL=C", "de"},
		{"en", "LANG=de_DE", "en"},
		{"fr", "LANG=de_DE", "de"},
		{"", "LC_CTYPE=de_DE LC_TIME=de_DE", "en"},
	} {
		env := map[string]string{}
		for kv := range strings.FieldsSeq(test.env) {
			k, v, _ := strings.Cut(kv, "=")
			env[k] = v
		}
		if got := For(test.setting, func(name string) string { return env[name] }).Language(); got != test.want {
			t.Errorf("%q, %q: %s, want %s", test.setting, test.env, got, test.want)
		}
	}
	if For("", nil).Language() != "en" {
		t.Error("without an environment")
	}
}

// Dates, numbers and plurals are as CLDR has them: 1.234,5 and 2. März in German.
func TestDatesNumbersPlurals(t *testing.T) {
	t.Parallel()
	de, _ := With(os.DirFS("more")).In("de")
	at := time.Date(2026, 3, 2, 9, 5, 0, 0, time.UTC)
	for got, want := range map[string]string{
		de.When(at, "2 January 2006"): "2. März 2026", (Speaker{}).When(at, "2 January 2006"): "2 March 2026", de.When(at, "2 Jan 2006"): "2. März 2026",
		de.When(at.AddDate(0, 2, 0), "2 Jan 2006"): "2. Mai 2026", de.When(at.AddDate(0, 8, 0), "2 Jan 2006"): "2. Nov. 2026",
		de.Number(0): "0", de.Number(999): "999", de.Number(1000): "1.000", de.Number(-1234567): "-1.234.567", (Speaker{}).Number(1234567): "1,234,567",
		de.Decimal(1.25, 1): "1,2", (Speaker{}).Decimal(0.5, 2): "0.50", de.Decimal(-3, 0): "-3",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for n, want := range map[int]string{0: "vor 0 Tagen", 1: "vor 1 Tag", 2: "vor 2 Tagen", 11: "vor 11 Tagen", 21: "vor 21 Tagen", 101: "vor 101 Tagen"} {
		if got := de.N(n, "%d day ago", "%d days ago", n); got != want {
			t.Errorf("%q, want %q", got, want)
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

// A Speaker crosses to another process as the name of its language.
func TestSpeakerCrosses(t *testing.T) {
	t.Parallel()
	de, _ := In("de")
	for name, s := range map[string]Speaker{"de": de, "en": {}} {
		b, err := json.Marshal(struct{ Words Speaker }{s})
		if err != nil || string(b) != `{"Words":"`+name+`"}` {
			t.Errorf("%s, %v", b, err)
		}
		var got struct{ Words Speaker }
		if err := json.Unmarshal(b, &got); err != nil || got.Words != s {
			t.Errorf("%s came as %s (%v)", name, got.Words.Language(), err)
		}
	}
	got := struct{ Words Speaker }{de}
	if err := json.Unmarshal([]byte(`{"Words":"tlh"}`), &got); err != nil || got.Words != (Speaker{}) {
		t.Errorf("what nobody speaks came as %s (%v)", got.Words.Language(), err)
	}
}
