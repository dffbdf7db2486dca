package main

import (
	"bytes"
	"strings"
	"testing"
)

const head = "\x1b[!p\x1b[?1049l\x1b[m\x1b[H\x1b[2J"

func TestReplay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		past string
		cut  bool
		want string
	}{
		"text and colour":         {past: "a\r\n\x1b[31mred\x1b[m", want: "a\r\n\x1b[31mred\x1b[m"},
		"questions":               {past: "\x1b[c\x1b[>c\x1b[6n\x1b[?6n\x1b[5n\x1b]11;?\x07\x1bP+q544e\x1b\\\x1b[?u\x1b[14t\x1b[>q\x1b[?2026$px", want: "x"},
		"clipboard and title":     {past: "\x1b]52;c;ZWNobw==\x07\x1b]0;title\x1b\\x", want: "x"},
		"begins mid-line":         {past: "31mrest of it\r\nnext", cut: true, want: "next"},
		"full-screen, left":       {past: "a\x1b[?1049h\x1b[Hpicture\x1b[?1049lb", want: "ab\x1b[?1049l"},
		"full-screen, now":        {past: "a\x1b[?1049hpicture", want: "a\x1b[?1049h"},
		"begins full-screen":      {past: "picture\x1b[?1049lb", want: "b\x1b[?1049l"},
		"modes":                   {past: "\x1b[?1;2004h\x1b[?25l\x1b[?1l", want: "\x1b[?1l\x1b[?25l\x1b[?2004h"},
		"full reset":              {past: "old\x1b[?25l\x1bcnew", want: "new"},
		"cut at the end":          {past: "a\x1b[3", want: "a"},
		"string that never ended": {past: "a\x1b]0;never", want: "a"},
	} {
		if got := string(replay([]byte(c.past), c.cut)); got != head+c.want {
			t.Errorf("%s: %q, want %q", name, strings.TrimPrefix(got, head), c.want)
		}
	}
}

// Whatever was printed, nothing in the replay makes a terminal answer.
func FuzzReplay(f *testing.F) {
	for _, s := range []string{"\x1b[6n", "\x1b]11;?\a", "\x1b[?1049h", "\x1b\x1b[c", "\x1b[\x1b[c", "\x1b]\x1b[c"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, past []byte) {
		out := replay(past, false)
		for _, q := range []string{"\x1b[c", "\x1b[6n", "\x1b[5n", "\x1b]", "\x1bP", "\x1b[>", "\x1bZ"} {
			if bytes.Contains(out, []byte(q)) {
				t.Fatalf("%q in %q", q, out)
			}
		}
	})
}
