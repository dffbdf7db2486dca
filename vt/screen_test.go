package vt

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// differ says where two screens are not the same to whoever looks at them, and
// to the programs that go on drawing on them.
func differ(a, b *Screen) string {
	if a.cols != b.cols || a.rows != b.rows || a.onAlt != b.onAlt {
		return fmt.Sprintf("size or screen: %dx%d %v, %dx%d %v", a.cols, a.rows, a.onAlt, b.cols, b.rows, b.onAlt)
	}
	if d := differRows("main", a.main, b.main, a.cols); d != "" {
		return d
	}
	if a.onAlt {
		if d := differRows("alternate", a.alt, b.alt, a.cols); d != "" {
			return d
		}
	}
	if a.cursor != b.cursor {
		return fmt.Sprintf("cursor: %+v, %+v", a.cursor, b.cursor)
	}
	if i := a.screen(); a.saved[i] != b.saved[i] || a.saved[0] != b.saved[0] {
		return fmt.Sprintf("saved: %+v, %+v", a.saved, b.saved)
	}
	if a.top != b.top || a.bottom != b.bottom || a.left != b.left || a.right != b.right {
		return fmt.Sprintf("region: %d-%d %d-%d, %d-%d %d-%d", a.top, a.bottom, a.left, a.right, b.top, b.bottom, b.left, b.right)
	}
	if !slices.Equal(a.tabs, b.tabs) {
		return "tab stops"
	}
	for _, n := range append(slices.Clone(keptModes), margins) {
		if a.modes.on(n) != b.modes.on(n) {
			return fmt.Sprintf("mode %d: %v, %v", n, a.modes.on(n), b.modes.on(n))
		}
	}
	am, bm := a.modes, b.modes
	if am.insert != bm.insert || am.newline != bm.newline || am.keypad != bm.keypad ||
		max(am.shape, 0) != max(bm.shape, 0) || max(am.other, 0) != max(bm.other, 0) ||
		!slices.Equal(am.kitty[a.screen()], bm.kitty[b.screen()]) {
		return fmt.Sprintf("modes: %+v, %+v", am, bm)
	}
	return ""
}

func differRows(name string, a, b []row, cols int) string {
	for y := range a {
		for x := range cols {
			p, q := seen(a[y].at(x)), seen(b[y].at(x))
			if p != q || a[y].marks[x] != b[y].marks[x] {
				return fmt.Sprintf("%s %d,%d: %+v %q, %+v %q", name, y, x, p, a[y].marks[x], q, b[y].marks[x])
			}
		}
	}
	return ""
}

// seen is a cell without what nobody can see of a blank one.
func seen(c cell) cell {
	if c.r == 0 {
		c.r = ' '
	}
	if c.r == ' ' && !c.right && c.pen.attr&(reverse|underline|overline|strike) == 0 {
		c.pen = pen{bg: c.pen.bg}
	}
	if c.right {
		c.pen = pen{} // drawn with its left half
	}
	return c
}

// text is what the screen shows, a line for each row.
func (s *Screen) text() string {
	var b strings.Builder
	for _, r := range s.grid {
		b.WriteString(strings.TrimRight(string(stripped(drawRow(nil, r, s.cols, s.cols, false))), " "))
		b.WriteByte('\n')
	}
	return strings.TrimRight(b.String(), "\n")
}

func stripped(b []byte) []byte {
	var out []byte
	for len(b) > 0 {
		if b[0] == 0x1b {
			i := bytes.IndexByte(b, 'm')
			b = b[i+1:]
			continue
		}
		out, b = append(out, b[0]), b[1:]
	}
	return out
}

func written(cols, rows int, what string) *Screen {
	s := New(cols, rows)
	s.Write([]byte(what))
	return s
}

// What a terminal does with what is printed, by example.
func TestWrite(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in, want string
		x, y     int
	}{
		"text":                      {"a\r\nb", "a\nb", 1, 1},
		"wrap waits":                {"0123456789", "0123456789", 9, 0},
		"wrap":                      {"0123456789a", "0123456789\na", 1, 1},
		"carriage return at edge":   {"0123456789\rx", "x123456789", 1, 0},
		"no wrap":                   {"\x1b[?7l0123456789ab", "012345678b", 9, 0},
		"scroll":                    {"1\r\n2\r\n3\r\n4\r\n5", "2\n3\n4\n5", 1, 3},
		"region":                    {"1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\nx", "1\n3\nx\n4", 1, 2},
		"reverse index":             {"1\r\n2\x1b[H\x1bM0", "0\n1\n2", 1, 0},
		"insert line":               {"1\r\n2\r\n3\r\n4\x1b[2;2H\x1b[L", "1\n\n2\n3", 0, 1},
		"delete line":               {"1\r\n2\r\n3\r\n4\x1b[2;2H\x1b[M", "1\n3\n4", 0, 1},
		"insert and delete":         {"abcdef\x1b[3G\x1b[2@\x1b[6G\x1b[P", "ab  cef", 5, 0},
		"insert mode":               {"abc\x1b[1G\x1b[4hxy", "xyabc", 2, 0},
		"erase characters":          {"abcdef\x1b[2G\x1b[3X", "a   ef", 1, 0},
		"erase to the left":         {"abc\x1b[2G\x1b[1K", "  c", 1, 0},
		"erase above":               {"1\r\n2\r\n33\x1b[1D\x1b[1J", "", 1, 2},
		"erase all":                 {"abc\x1b[2Jd", "   d", 4, 0},
		"tabs":                      {"\tx\x1b[3g\r\ty", "        xy", 9, 0},
		"back tab":                  {"\tx\x1b[Zy", "        y", 9, 0},
		"line drawing":              {"\x1b(0lqk\x1b(Bq", "┌─┐q", 4, 0},
		"shift out":                 {"\x1b)0\x0ex\x0fx", "│x", 2, 0},
		"save and restore":          {"\x1b[2;3H\x1b7\x1b[Hx\x1b8y", "x\n  y", 3, 1},
		"origin":                    {"\x1b[2;3r\x1b[?6h\x1b[1;1Hx\x1b[9;1Hy", "\nx\ny", 1, 2},
		"alternate and back":        {"ab\x1b[?1049h\x1b[Hpicture\x1b[?1049lc", "abc", 3, 0},
		"wide":                      {"日本語", "日本語", 6, 0},
		"wide wraps":                {"012345678語", "012345678\n語", 2, 1},
		"half overwritten":          {"語x\x1b[2Gy", " yx", 2, 0},
		"combining":                 {"e\u0301x", "e\u0301x", 2, 0},
		"repeat":                    {"a\x1b[3b", "aaaa", 4, 0},
		"margins":                   {"abcdef\r\nghijkl\x1b[?69h\x1b[2;4s\x1b[2;2H\x1b[M", "abcdef\ng   kl", 1, 1},
		"strings are not text":      {"\x1b]0;title\x07a\x1bPq#0\x1b\\b\x1b_G\x1b\\c", "abc", 3, 0},
		"a cut sequence":            {"a\x1b[12\x18b", "ab", 2, 0},
		"control within a sequence": {"a\x1b[\r2Cb", "a b", 3, 0},
		"invalid bytes":             {"a\xff\xc3(b", "a\ufffd\ufffd(b", 5, 0},
		"full reset":                {"a\x1b[4h\x1b[31m\x1bcb", "b", 1, 0},
		"soft reset":                {"\x1b[?6h\x1b[2;3r\x1b[4h\x1b[!pab\x1b[1Gc", "\ncb", 1, 1},
		"fill":                      {"\x1b[65;1;2;2;3$x", " AA\n AA", 0, 0},
		"alignment":                 {"\x1b#8", "EEEEEEEEEE\nEEEEEEEEEE\nEEEEEEEEEE\nEEEEEEEEEE", 0, 0},
	} {
		s := written(10, 4, c.in)
		if got := s.text(); got != c.want || s.x != c.x || s.y != c.y {
			t.Errorf("%s: %q at %d,%d, want %q at %d,%d", name, got, s.x, s.y, c.want, c.x, c.y)
		}
	}
}

func TestPen(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]pen{
		"\x1b[1;31m":             {attr: bold, fg: indexed | 1},
		"\x1b[1;22;3;23;7m":      {attr: reverse},
		"\x1b[4:3m":              {attr: 3 << 8},
		"\x1b[4m\x1b[4:0m":       {},
		"\x1b[21m":               {attr: 2 << 8},
		"\x1b[38;5;200;48;5;9m":  {fg: indexed | 200, bg: indexed | 9},
		"\x1b[38;2;1;2;3m":       {fg: direct | 0x010203},
		"\x1b[38:2::1:2:3;9m":    {fg: direct | 0x010203, attr: strike},
		"\x1b[38:2:1:2:3m":       {fg: direct | 0x010203},
		"\x1b[58;5;3;4m":         {attr: 1 << 8},
		"\x1b[95;105m":           {fg: indexed | 13, bg: indexed | 13},
		"\x1b[31m\x1b[m":         {},
		"\x1b[31;39;1m":          {attr: bold},
		"\x1b[38;5m":             {},
		"\x1b[53m\x1b[55m\x1b[m": {},
	} {
		s := written(5, 1, in)
		if s.pen != want {
			t.Errorf("%q: %+v, want %+v", in, s.pen, want)
		}
		if again := written(5, 1, string(drawPen(nil, want))); again.pen != want {
			t.Errorf("%+v drawn is %+v", want, again.pen)
		}
	}
}

// Lines that have left the screen come back above it, and no more of them than
// there is room for.
func TestHistory(t *testing.T) {
	t.Parallel()
	s := New(20, 3)
	for i := range 100_000 {
		fmt.Fprintf(writer{s}, "line %d\r\n", i)
	}
	if s.history.bytes > MaxHistory || len(s.history.all()) > maxLines || len(s.history.lines) > 3*maxLines {
		t.Fatalf("%d bytes in %d lines", s.history.bytes, len(s.history.lines))
	}
	tall := New(20, 10)
	tall.Write(s.Draw(true))
	if got, want := tall.text(), "line 99991\nline 99992\nline 99993\nline 99994\nline 99995\nline 99996\nline 99997\nline 99998\nline 99999"; got != want {
		t.Errorf("%q", got)
	}
	if got := written(20, 3, string(s.Draw(false))); len(got.history.all()) != 0 {
		t.Error("history though none was asked for")
	}
}

type writer struct{ s *Screen }

func (w writer) Write(p []byte) (int, error) { w.s.Write(p); return len(p), nil }

// A line that was wrapped is one line to whoever copies it, a blank one after
// it is not swallowed.
func TestDrawKeepsWrappedLines(t *testing.T) {
	t.Parallel()
	s := written(5, 4, "abcdefg\r\n01234\r\n\r\nx")
	if b := string(s.Draw(true)); !strings.Contains(b, "abcde \rfg\r\n01234\r\n\r\nx") {
		t.Errorf("%q", b)
	}
}

func TestWhole(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		"abc": 3, "abc\x1b": 3, "abc\x1b[3": 3, "abc\x1b[3m": 7, "a\x1b]0;title": 1, "a\x1b]0;t\a": 7,
		"a\x1b]0;t\x1b": 1, "a\x1b]0;t\x1b\\b": 9, "\xe2\x82": 0, "\xe2\x82\xac": 3, "ab\r\n": 4, "\x1b[\r": 0, "": 0,
	} {
		s := New(10, 3)
		if got := s.Write([]byte(in)); got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
		if s.Whole() != (want == len(in)) {
			t.Errorf("%q: whole is %v", in, s.Whole())
		}
	}
}

func TestResize(t *testing.T) {
	t.Parallel()
	s := written(10, 4, "1\r\n2\r\n3\r\n4")
	s.Resize(6, 2)
	if got := s.text(); got != "3\n4" || s.y != 1 || len(s.history.all()) != 2 {
		t.Errorf("%q, cursor in %d", got, s.y)
	}
	s = written(10, 4, "shell\r\n$ vi\r\n\x1b[?1049h\x1b[4;10Hx")
	s.Resize(5, 2)
	s.Resize(20, 6)
	s.Write([]byte("\x1b[?1049ly"))
	if got := s.text(); got != "$ vi\ny" {
		t.Errorf("%q", got)
	}
	s = written(4, 2, "ab日")
	s.Resize(3, 2)
	if got := s.text(); got != "ab" {
		t.Errorf("%q", got)
	}
	if c, r := New(100000, 100000).Size(); c*r > MaxCells {
		t.Errorf("%dx%d", c, r)
	}
}

// A terminal that was drawn on, whatever it went through before, shows the same
// and goes on as the one that saw it all.
func TestDrawIsTheSameScreen(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		cols, rows := 2+r.IntN(30), 1+r.IntN(12)
		past := stream(r, 1+r.IntN(120))
		a := written(cols, rows, past)
		if !a.Whole() {
			a.Write([]byte("\x18"))
		}
		before := stream(r, r.IntN(80))
		if r.IntN(2) == 0 {
			before = ""
		}
		b := written(cols, rows, before+"\x18")
		maps.DeleteFunc(b.modes.dec, func(n int, _ bool) bool { _, known := a.modes.dec[n]; return !known })
		b.Write(a.Draw(r.IntN(2) == 0))
		a.modes.shape, b.modes.shape = max(a.modes.shape, 0), max(a.modes.shape, 0)
		a.modes.other, b.modes.other = max(a.modes.other, 0), max(a.modes.other, 0)
		if !a.modes.kittied {
			b.modes.kitty = [2][]int{}
		}
		if d := differ(a, b); d != "" {
			t.Fatalf("seed %d, %dx%d: %s\nafter %q\ndrawn %q", seed, cols, rows, d, past, a.Draw(false))
		}
		next := stream(r, 60)
		a.last, b.last = 0, 0
		a.Write([]byte(next))
		b.Write([]byte(next))
		if d := differ(a, b); d != "" {
			t.Fatalf("seed %d, %dx%d, later: %s\nafter %q\nthen %q", seed, cols, rows, d, past, next)
		}
	}
}

// stream is n random things that a program may print.
func stream(r *rand.Rand, n int) string {
	var b strings.Builder
	num := func() int { return r.IntN(14) }
	for range n {
		switch r.IntN(12) {
		case 0, 1, 2, 3:
			for range r.IntN(12) {
				b.WriteString([]string{"a", "b", " ", "x", "日", "é", "e\u0301", "q", "~", "👍"}[r.IntN(10)])
			}
		case 4:
			b.WriteString([]string{"\r", "\n", "\r\n", "\b", "\t", "\x0e", "\x0f"}[r.IntN(7)])
		case 5, 6:
			fmt.Fprintf(&b, "\x1b[%d%c", num(), "@ABCDEFGIJKLMPSTXZ`abdeg"[r.IntN(24)])
		case 7:
			fmt.Fprintf(&b, "\x1b[%d;%d%c", num(), num(), "HHHfrs"[r.IntN(6)])
		case 8:
			fmt.Fprintf(&b, "\x1b[%dm", []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 21, 22, 24, 27, 31, 42, 39, 49, 95, 103, 53}[r.IntN(20)])
		case 9:
			fmt.Fprintf(&b, "\x1b[38;5;%dm\x1b[48;2;%d;2;3m\x1b[4:%dm", r.IntN(256), r.IntN(256), r.IntN(6))
		case 10:
			modes := []int{1, 5, 6, 7, 25, 45, 69, 1000, 1002, 1004, 1006, 2004, 47, 1047, 1048, 1049}
			fmt.Fprintf(&b, "\x1b[?%d%c", modes[r.IntN(len(modes))], "hl"[r.IntN(2)])
		case 11:
			b.WriteString([]string{
				"\x1b7", "\x1b8", "\x1bD", "\x1bM", "\x1bE", "\x1bH", "\x1b(0", "\x1b(B", "\x1b)0", "\x1b*A", "\x1bn", "\x1b[4h", "\x1b[4l", "\x1b[20h", "\x1b[20l",
				"\x1b=", "\x1b>", "\x1b[!p", "\x1b[3 q", "\x1b[>4;2m", "\x1b[>1u", "\x1b[<u", "\x1b]0;t\a", "\x1b[s", "\x1b[u", "\x1b[2'}", "\x1b[1'~", "\x1b[2 @", "\x1b[1 A",
				"\x1b[6n", "\x1b[c", "\x1b[r", "\x1bc", "\x1b#8",
			}[r.IntN(34)])
		}
	}
	return b.String()
}

// No bytes make the model fall over, grow without end, or draw anything that a
// terminal answers.
func FuzzScreen(f *testing.F) {
	for _, s := range []string{"\x1b[6n", "\x1b]11;?\a", "\x1b[?1049h", "\x1b\x1b[c", "\x1b[99999;99999H\x1b[99999@", "\x1b[?69h\x1b[3;5s\x1b[99999L", "\x1b[;;;;;r日\xe2\x82", "\x1b[1;2;3;4;5$x"} {
		f.Add([]byte(s), uint16(80), uint16(24))
	}
	f.Fuzz(func(t *testing.T, past []byte, cols, rows uint16) {
		s := New(int(cols), int(rows))
		half := len(past) / 2
		s.Write(past[:half])
		s.Resize(int(rows), int(cols))
		if whole := s.Write(past[half:]); whole < 0 || whole > len(past)-half {
			t.Fatalf("%d of %d bytes are whole", whole, len(past)-half)
		}
		if s.history.bytes > MaxHistory {
			t.Fatalf("%d bytes of history", s.history.bytes)
		}
		out := s.Draw(true)
		asks(t, out)
		again := New(s.cols, s.rows)
		again.Write(out)
		if !again.Whole() {
			t.Fatalf("cut short: %q", out)
		}
	})
}

// asks fails when b has anything but characters and sequences that move, draw
// and set modes.
func asks(t *testing.T, b []byte) {
	t.Helper()
	for i := 0; i < len(b); i++ {
		if b[i] >= 0x20 && b[i] != 0x7f || b[i] == '\r' || b[i] == '\n' || b[i] == 0x0e || b[i] == 0x0f {
			continue
		}
		if b[i] != 0x1b || i+1 == len(b) {
			t.Fatalf("%q in what is drawn", b[i:min(i+8, len(b))])
		}
		i++
		switch c := b[i]; {
		case strings.IndexByte("7=>Hno", c) >= 0:
		case strings.IndexByte("()*+", c) >= 0:
			i++
		case c == '[':
			for i++; b[i] < 0x40; i++ {
			}
			if strings.IndexByte("mHJKrsghlqpu", b[i]) < 0 {
				t.Fatalf("a sequence that ends in %q", b[i])
			}
		default:
			t.Fatalf("ESC %q", c)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	s := New(80, 24)
	line := []byte(strings.Repeat("\x1b[32mgreen\x1b[m and some more text on the line\r\n", 100))
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		s.Write(line)
	}
}
