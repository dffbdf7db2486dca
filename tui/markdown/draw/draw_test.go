package draw_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"
	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
)

func TestLesson(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/lesson.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]markdown.Options{
		"80":        {Width: 80},
		"40":        {Width: 40},
		"20":        {Width: 20},
		"80 styled": {Width: 80, Styled: true},
		"80 color":  {Width: 80, Color: true, Links: true},
		"80 unfold": {Width: 80, Unfold: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, _ := draw.Render(string(src), o)
			golden.RequireEqual(t, text)
			for i, l := range strings.Split(text, "\n") {
				if w := ansi.StringWidth(l); w > o.Width {
					t.Errorf("line %d is %d columns wide: %q", i+1, w, l)
				}
			}
		})
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	src := "Run `ls -l`{{exec}} and `x`{{ }} and `y` {{copy}}.\n\n```bash {exec interrupt}\na\n\tb &amp;\n```\n\n" +
		"```go\nnot numbered\n```\n\n<details>\n<summary>Hint</summary>\n\n```{exec}\nfolded\n```\n\n</details>\n\n~~~{copy}\nz\n~~~\n"
	text, got := draw.Render(src, markdown.Options{})
	want := []markdown.Block{
		{Number: 1, Code: "ls -l", Exec: true, Inline: true, Line: 0},
		{Number: 2, Code: "y", Inline: true, Line: 0},
		{Number: 3, Code: "a\n\tb &amp;\n", Lang: "bash", Exec: true, Interrupt: true, Line: 2},
		{Number: 4, Code: "z\n", Line: 11},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, text)
	}
	_, got = draw.Render(src, markdown.Options{Unfold: true})
	if len(got) != 5 || got[3].Code != "folded\n" {
		t.Errorf("unfolded: %+v", got)
	}
}

func TestSmallThings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"templates are content", "{{ .X }} `{{ y }}` ${{}}", "{{ .X }} `{{ y }}` ${{}}"},
		{"escapes", `\*not emphasis\* \&amp;`, "*not emphasis* &amp;"},
		{"numeric reference to ESC", "a&#27;[31mb&#127;c", "a[31mbc"},
		{"bars in cells", "a | `b\\|c` d\n:-|-:\n1\\|2 | x\n| only |", "a    │ `b|c` d\n─────┼────────\n1|2  │       x\nonly │"},
		{"not a table", "a | b\nc | d", "a | b c | d"},
		{"tasks", "- [x] done\n- [ ] not\n- [z] no", "[✓] done\n[ ] not\n• [z] no"},
		{"struck", "~~a~~ ~b~ ~~~c~~~", "~~a~~ ~~b~~ ~~~c~~~"},
		{"comment", "a <!-- x --> b", "a b"},
		{"nested details", "<details><summary>A</summary>\n<details><summary>B</summary>\nb\n</details>\na\n</details>\nend", "▸ A\n\nend"},
		{"details without summary", "<details>\nx\n</details>\n\nend", "end"},
		{"hard break", "a  \nb<br>c", "a\nb\nc"},
		{"alert", "> [!TIP]\n> Hot.", "▌ Tip: Hot."},
		{"table with too many columns", "|a|b|c|d|\n|-|-|-|-|\n|one thing|two things|three things|four things|", "a: one thing\nb: two things\nc: three things\nd: four things"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _ := draw.Render(tt.in, markdown.Options{Width: 24})
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// harmless is the oracle: SGR, and OSC 8 to http and https. No more.
var harmless = regexp.MustCompile(`\x1b\[[0-9;]*m|\x1b\]8;;((?i:https?)://[!-~]+)?\x1b\\`)

func hostile(s string) bool {
	return strings.ContainsFunc(harmless.ReplaceAllString(s, ""), func(r rune) bool {
		return r < 0x20 && r != '\n' || r >= 0x7f && r < 0xa0 || r == 0x200b || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r >= 0xe0000 && r <= 0xeffff
	})
}

var attacks = []string{
	"hello \x1b]52;c;cm0gLXJmIH4K\x07 world", "hello \x1b]0;pwned\x07 world", "hello \x1b[2J\x1b[H world", "\x1b[6n\x1bP$qm\x1b\\",
	"user\u202enimda", "\x1b]8;;http://evil\x07https://docs.good\x1b]8;;\x07", "```\nls \x1b]52;c;AAAA\x07\n```",
	"[https://good.example](http://evil.example)", "`\x1b[31mred`", "<script>alert(1)</script>", "![x](http://169.254.169.254/latest)",
	"rm -rf /\x08\x08\x08\x08ls", "hi\U000E0041\U000E0042", "a\u200bb\u2060c",
	"a&#27;]52;c;AAAA&#7;b", "&#x1b;[2J", "&#x9b;2J", "&#8238;x", "[x](https://a&#27;]0;x&#7;)", "<https://a\u009b2J>", "![&#27;[2J](x)",
	"```&#27;[2J {exec}\nx\n```", "<a href=\"https://x/&#27;[2J\">y</a>", "<img alt=\"&#27;[2J\">", "<details><summary>&#27;[2J</summary>",
	"<sCript>\xb0</sCript", "[![[![[![x", "|a|\n|-|\n|&#27;c|", strings.Repeat("> ", 400) + "x", strings.Repeat("- ", 400) + "x", strings.Repeat("*a ", 300), strings.Repeat("[", 500),
}

func TestNothingHostileGetsThrough(t *testing.T) {
	t.Parallel()
	for _, src := range attacks {
		for _, o := range []markdown.Options{{}, {Color: true, Links: true, Width: 40}, {Styled: true, Unfold: true, Width: 20}} {
			text, blocks := draw.Render(src, o)
			if hostile(text) {
				t.Errorf("Render(%q) = %q", src, text)
			}
			for _, b := range blocks {
				if hostile(strings.ReplaceAll(b.Code+b.Lang, "\t", "")) {
					t.Errorf("block of %q: %+v", src, b)
				}
			}
		}
	}
}

func TestALinkCannotPretend(t *testing.T) {
	t.Parallel()
	text, _ := draw.Render("[https://good.example](http://evil.example)", markdown.Options{Color: true, Links: true})
	if !strings.Contains(ansi.Strip(text), "http://evil.example") {
		t.Errorf("the real address is not shown: %q", text)
	}
}

// What is slow to draw is slow for everybody on the same server. These once took
// minutes; that they end within the test's time is the assertion.
func TestNoTextTakesLong(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"quotes": strings.Repeat("> ", 8000) + "x", "lists": strings.Repeat("- ", 8000) + "x", "numbers": strings.Repeat("1. ", 8000) + "x",
		"tags without end": strings.Repeat("<div ", 4000), "brackets": strings.Repeat("[", 10000), "emphasis": strings.Repeat("*a ", 10000),
		"details": strings.Repeat("<details><summary>x\n", 2000), "comments": strings.Repeat("<!-- x", 4000), "ticks": strings.Repeat("`a ``", 5000),
		"a word": strings.Repeat("x", 100000), "marks": "e" + strings.Repeat("\u0301", 50000), "entities": strings.Repeat("&", 20000),
		"links": strings.Repeat("[a](", 60000), "two emphases": strings.Repeat("*a_ ", 60000), "links in paragraphs": strings.Repeat(strings.Repeat("[a](", 1000)+"\n\n", 60),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			draw.Render(src, markdown.Options{Color: true, Links: true})
		})
	}
}

// What costs more than its share is text, up to the end of its paragraph. Code is
// none of that.
func TestTooManyMarks(t *testing.T) {
	t.Parallel()
	text, blocks := draw.Render(strings.Repeat("*a* ", 600)+"\n\n*b*\n\n```{exec}\n"+strings.Repeat("[", 2000)+"\n```\n", markdown.Options{Bare: true})
	if n := strings.Count(text, "*"); n != 200 || !strings.Contains(text, "\nb\n") {
		t.Errorf("%d stars in %q", n, text)
	}
	if len(blocks) != 1 || blocks[0].Code != strings.Repeat("[", 2000)+"\n" {
		t.Errorf("blocks: %+v", blocks)
	}
}

func FuzzRender(f *testing.F) {
	for _, a := range attacks {
		f.Add(a, 40)
	}
	src, err := os.ReadFile("testdata/lesson.md")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(src), 80)
	f.Fuzz(func(t *testing.T, src string, width int) {
		width = min(max(width, 20), 200)
		for _, o := range []markdown.Options{{Width: width}, {Width: width, Color: true, Links: true, Unfold: true}} {
			text, blocks := draw.Render(src, o)
			if hostile(text) {
				t.Errorf("Render(%q) = %q", src, text)
			}
			if !o.Styled && !o.Color && strings.Contains(text, "\x1b") {
				t.Errorf("plain text with an escape: %q", text)
			}
			for i, b := range blocks {
				if b.Number != i+1 {
					t.Errorf("block %d is numbered %s", i, strconv.Itoa(b.Number))
				}
			}
		}
	})
}

// Read aloud, a text says in words what is drawn elsewhere.
func TestLinear(t *testing.T) {
	src := "# Who\n\n> [!TIP]\n> Close it.\n\n> He said\n\n- one\n- two\n\n```bash {exec T2}\nls\n```\n\n| Bit | File |\n|---|---|\n| r | read |\n\n---\n\n<details><summary>More</summary>\n\nfolded\n\n</details>\n"
	got, _ := draw.Render(src, markdown.Options{Width: 1000, Linear: true, Unfold: true})
	want := "Heading 1: Who\n\nTip: Close it.\n\nQuote: He said\n\n- one\n- two\n\nCode [1] bash in terminal 2:\nls\nEnd of code.\n\nBit: r\nFile: read\n\nDetails: More\n\nfolded"
	if got != want {
		t.Errorf("%s\n\nwant\n\n%s", got, want)
	}
}

// The headings are told of where they are drawn: also those in a quote or in
// unfolded details, and none that is folded away or only looks like one.
func TestOutline(t *testing.T) {
	t.Parallel()
	src := "# One\n\n**Two**\n\n> ## Two *of* 世界\n\n```\n# no\n```\n\n<details><summary>More</summary>\n\n### Three\n\n</details>\n\n# A very long heading that has to be wrapped at this width\n\ntext"
	for _, o := range []markdown.Options{{Width: 30}, {Width: 30, Color: true, Unfold: true}, {Width: 200, Linear: true, Unfold: true}} {
		text, _, got := draw.Outline(src, o)
		if plain, _ := draw.Render(src, o); plain != text || strings.Contains(text, "\x1b_") {
			t.Errorf("%+v draws %q, and %q", o, text, plain)
		}
		want := []string{"1 One", "2 Two of 世界", "1 A very long heading that has to be wrapped at this width"}
		if o.Unfold {
			want = slices.Insert(want, 2, "3 Three")
		}
		lines, at := strings.Split(ansi.Strip(text), "\n"), -1
		for i, h := range got {
			if i >= len(want) || fmt.Sprint(h.Level, " ", h.Text) != want[i] || h.Line <= at || !strings.Contains(lines[h.Line], strings.Fields(h.Text)[0]) {
				t.Errorf("%+v: heading %d is %+v, of %q", o, i, h, lines[h.Line])
			}
			at = h.Line
		}
		if len(got) != len(want) {
			t.Errorf("%+v: %d headings, want %d", o, len(got), len(want))
		}
	}
}
