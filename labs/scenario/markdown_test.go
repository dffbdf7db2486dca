package scenario

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	gmtext "github.com/yuin/goldmark/text"
)

var update = flag.Bool("update", false, "write the expected files anew")

// TestNormalForm compares every page of testdata/markdown with the normal form
// beside it.
func TestNormalForm(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("testdata/markdown/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			got := normalise(decode(src))
			file := strings.TrimSuffix(page, ".md") + ".want"
			out := got.text
			for _, w := range got.warnings {
				out += fmt.Sprintf("\n! line %d: %s", w.Line, w.Text)
			}
			if *update {
				if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if again := normalise(got.text); again.text != got.text {
				t.Errorf("not stable:\n%s", cmp.Diff(got.text, again.text))
			}
			if n := blocks(got.text, "{exec"); n != strings.Count(got.text, "{exec")-strings.Count(got.text, "{{exec") {
				t.Errorf("a Markdown library sees %d runnable blocks:\n%s", n, got.text)
			}
		})
	}
}

// blocks counts the fenced blocks whose info string holds mark, as a Markdown
// library sees them.
func blocks(src, mark string) int {
	n := 0
	b := []byte(src)
	doc := goldmark.DefaultParser().Parse(gmtext.NewReader(b))
	_ = ast.Walk(doc, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if f, ok := node.(*ast.FencedCodeBlock); ok && entering && f.Info != nil && strings.Contains(string(f.Info.Segment.Value(b)), mark) {
			n++
		}
		return ast.WalkContinue, nil
	})
	return n
}

func TestCommandsOfAPage(t *testing.T) {
	t.Parallel()
	got := normalise("1. x\n\n   ```\n   a\n     b\n   ```{{exec HOST2}}\n\n`c`{{exec}} `d`{{copy}}\n")
	if diff := cmp.Diff([]string{"a\n  b", "c"}, got.commands); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"HOST2", ""}, got.hosts); diff != "" {
		t.Error(diff)
	}
}

func TestQuizKeepsItsAnswersApart(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/markdown/quiz.md")
	if err != nil {
		t.Fatal(err)
	}
	got := normalise(string(src))
	want := []Question{
		{Kind: "text", Prompt: "What prints the directory?", Answer: "pwd"},
		{Kind: "text", Prompt: `Say something with "done" in it`, Answer: "done", Contain: true},
		{Kind: "multiple", Prompt: "Which are shells?", Choices: []Choice{{"bash", true}, {"cat", false}, {"zsh", true}}},
		{Kind: "single", Prompt: "Which lists files?", Choices: []Choice{{"ls", true}, {"rm", false}}},
	}
	if diff := cmp.Diff(want, got.quiz); diff != "" {
		t.Error(diff)
	}
	for _, leak := range []string{"[*]", "(*)", "===", "=~=", "pwd"} {
		if strings.Contains(got.text, leak) {
			t.Errorf("the page tells %q:\n%s", leak, got.text)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	pages, _ := filepath.Glob("testdata/markdown/*.md")
	for _, page := range pages {
		b, err := os.ReadFile(page)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("```\n> ```{{exec}}\n`````\n- ~~~{{x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := normalise(decode(b))
		if open := unclosed(got.text); open != "" {
			t.Errorf("%q leaves %q open:\n%q", b, open, got.text)
		}
	})
}

// unclosed is the fence that is open at the end of a page, or "". Only a bare
// line of the same marks closes one.
func unclosed(src string) string {
	var f fence
	for line := range strings.SplitSeq(src, "\n") {
		switch open, ok := openFence(line); {
		case f.mark == "" && ok:
			f = open
		case f.mark != "":
			if strings.Contains(f.prefix, ">") {
				q := quoted.FindString(line)
				if q == "" {
					f = fence{}
					continue
				}
				line = line[len(q):]
			}
			line = strings.TrimSpace(line)
			if run := runLength(line, f.mark[0]); run >= len(f.mark) && run == len(line) {
				f = fence{}
			}
		}
	}
	return f.mark
}
