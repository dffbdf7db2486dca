package apart_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/markdown/apart"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
	"github.com/cloudmastershub/cmh/words"
)

type pipes struct {
	io.Reader
	io.Writer
}

func (p pipes) Close() error {
	for _, end := range []any{p.Reader, p.Writer} {
		if c, ok := end.(io.Closer); ok {
			_ = c.Close()
		}
	}
	return nil
}

// What is drawn elsewhere is what would be drawn here.
func TestDrawnApart(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("../draw/testdata/lesson.md")
	if err != nil {
		t.Fatal(err)
	}
	started, served := 0, make(chan error, 1)
	questions, ask := io.Pipe()
	answers, tell := io.Pipe()
	pages := apart.Beside(func() (io.ReadWriteCloser, error) {
		started++
		go func() { served <- apart.Serve(questions, tell, draw.Outline) }()
		return pipes{answers, ask}, nil
	})
	for _, o := range []markdown.Options{{}, {Width: 40, Color: true, Links: true, Unfold: true, Bare: true, From: 3}, {Width: 1000, Linear: true}} {
		for _, src := range []string{"", string(src), "```sh {exec}\necho \u2028 '<&>' \\ \\n\n```\n", "a\xffb\x1b[2J"} {
			text, blocks, headings := pages.Outline(src, o)
			wantText, wantBlocks, wantHeadings := draw.Outline(src, o)
			if diff := cmp.Diff(wantText, text) + cmp.Diff(wantBlocks, blocks) + cmp.Diff(wantHeadings, headings); diff != "" {
				t.Errorf("%+v of %q:\n%s", o, src, diff)
			}
		}
	}
	_ = ask.Close()
	if err := <-served; err != nil || started != 1 {
		t.Errorf("started %d times, ended with %v", started, err)
	}
}

// The few words that aren't the author's come in the reader's language from
// there, too.
func TestDrawnApartInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	questions, ask := io.Pipe()
	answers, tell := io.Pipe()
	served := make(chan error, 1)
	pages := apart.Beside(func() (io.ReadWriteCloser, error) {
		go func() { served <- apart.Serve(questions, tell, draw.Outline) }()
		return pipes{answers, ask}, nil
	})
	src := "# Ports\n\n> [!WARNING]\n> Mind the gap.\n\n> A quote.\n\n```sh {exec T2}\nls\n```\n\n```conf {file=/etc/x target=append}\na\n```\n\n" +
		"<details><summary></summary>more</details>\n\n![](x.png)\n"
	de, ok := words.In("de")
	if !ok {
		t.Fatal("no German")
	}
	for _, o := range []markdown.Options{{Width: 200, Bare: true}, {Width: 1000, Linear: true, Unfold: true}} {
		english, _ := pages.Draw(src, o)
		o.Words = de
		got, _ := pages.Draw(src, o)
		want, _ := draw.Render(src, o)
		if got != want || got == english {
			t.Errorf("drawn apart:\n%s\nhere:\n%s", got, want)
		}
		left := []string{"Warning", "append", "terminal 2", "image", "Details:"}
		if o.Linear {
			left = append(left, "Heading", "Quote", "Code sh", "End of code")
		}
		for _, word := range left {
			if strings.Contains(got, word) {
				t.Errorf("%q is left in English:\n%s", word, got)
			}
		}
	}
	_ = ask.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// Without a program to draw them, texts can still be read, and say why they look
// like that.
func TestNothingToDrawWith(t *testing.T) {
	t.Parallel()
	gone, ask := io.Pipe()
	_ = gone.Close()
	for name, start := range map[string]func() (io.ReadWriteCloser, error){
		"not there":   func() (io.ReadWriteCloser, error) { return nil, errors.New("no such program") },
		"ended":       func() (io.ReadWriteCloser, error) { return pipes{strings.NewReader(""), ask}, nil },
		"tells lies":  func() (io.ReadWriteCloser, error) { return pipes{strings.NewReader("nonsense"), io.Discard}, nil },
		"half a word": func() (io.ReadWriteCloser, error) { return pipes{strings.NewReader(`{"Text":"`), io.Discard}, nil },
	} {
		pages := apart.Beside(start)
		for range 2 {
			text, blocks := pages.Draw("# Title\n\n\x1b[2Jtext\twide "+strings.Repeat("x", 30), markdown.Options{Width: 20})
			if blocks != nil || !strings.Contains(text, "\n\n# Title\n") || strings.Contains(text, "\x1b") {
				t.Errorf("%s: %q, %v", name, text, blocks)
			}
			for line := range strings.Lines(text) {
				if len(strings.TrimRight(line, "\n")) > 20 {
					t.Errorf("%s: %q is wide", name, line)
				}
			}
		}
	}
}

// peers starts what draws. Asked for "die" it ends, and for "hang" it waits for its
// end; what was started is told.
func peers() (start func() (io.ReadWriteCloser, error), started *[]io.Closer) {
	started = new([]io.Closer)
	return func() (io.ReadWriteCloser, error) {
		questions, ask := io.Pipe()
		answers, tell := io.Pipe()
		go func() {
			_ = apart.Serve(questions, tell, func(src string, o markdown.Options) (string, []markdown.Block, []markdown.Heading) {
				switch src {
				case "die":
					_ = tell.Close()
				case "hang":
					_, _ = io.Copy(io.Discard, questions)
				}
				return draw.Outline(src, o)
			})
		}()
		p := pipes{answers, ask}
		*started = append(*started, p)
		return p, nil
	}, started
}

// One that ends is followed by another; three that end, or can't even be asked, by
// none.
func TestAnotherDraws(t *testing.T) {
	t.Parallel()
	start, started := peers()
	pages := apart.Beside(start)
	for i, step := range []struct {
		src, want string
		started   int
	}{
		{"*a*", "a", 1},
		{"die", "die", 1},
		{"*b*", "b", 2},
		{"die", "die", 2},
		{"die", "die", 3},
		{"die", "die", 4},
		{"*c*", "*c*", 4},
		{"*d*", "*d*", 4},
	} {
		text, _ := pages.Draw(step.src, markdown.Options{Width: 200})
		said, rest, plain := strings.Cut(text, "\n\n")
		if !plain {
			said, rest = "", text
		}
		if rest != step.want || plain != (step.src == step.want) || plain && !strings.Contains(said, "has failed") || len(*started) != step.started {
			t.Errorf("step %d: %q, after %d were started", i, text, len(*started))
		}
	}
}

// One that takes too long is ended.
func TestNobodyWaitsForADrawing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, started := peers()
		pages := apart.Beside(start)
		for _, src := range []string{"*a*", "hang", "*a*"} {
			text, _ := pages.Draw(src, markdown.Options{Width: 200})
			if want := strings.Trim(src, "*"); !strings.HasSuffix(text, want) || (text == want) != (src == "*a*") {
				t.Errorf("%s: %q", src, text)
			}
		}
		if len(*started) != 2 {
			t.Errorf("%d were started", len(*started))
		}
		for _, p := range *started {
			_ = p.Close()
		}
	})
}
