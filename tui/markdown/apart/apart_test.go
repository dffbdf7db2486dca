package apart_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/markdown/apart"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
)

type pipes struct {
	io.Reader
	io.Writer
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
	pages := apart.Beside(func() (io.ReadWriter, error) {
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

// Without a program to draw them, texts can still be read, and say why they look
// like that.
func TestNothingToDrawWith(t *testing.T) {
	t.Parallel()
	gone, ask := io.Pipe()
	_ = gone.Close()
	for name, start := range map[string]func() (io.ReadWriter, error){
		"not there":   func() (io.ReadWriter, error) { return nil, errors.New("no such program") },
		"ended":       func() (io.ReadWriter, error) { return pipes{strings.NewReader(""), ask}, nil },
		"tells lies":  func() (io.ReadWriter, error) { return pipes{strings.NewReader("nonsense"), io.Discard}, nil },
		"half a word": func() (io.ReadWriter, error) { return pipes{strings.NewReader(`{"Text":"`), io.Discard}, nil },
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
