package forming_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/forming"
)

// program is one that does nothing but Serve. It is no test binary: those that look
// for races take more memory than it may.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "forming")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "formtest")
		if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, "./formtest").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
			return 1
		}
		return m.Run()
	}())
}

var ada = forming.Who{Name: "ada"}

// newForms returns one that writes its log to out.
func newForms(out io.Writer) *forming.Forms {
	return forming.New(slog.New(slog.NewTextHandler(out, nil)), program, "formtest")
}

// form has one expression applied to JSON.
func form(t *testing.T, f *forming.Forms, kind, expr, in string, out io.Writer) error {
	t.Helper()
	w, err := f.Start(t.Context(), ada, kind, expr, out)
	if err != nil {
		return err
	}
	_, _ = io.WriteString(w, in) // fails where it has ended
	return w.Close()
}

func TestFormsAreWritten(t *testing.T) {
	t.Parallel()
	f := newForms(io.Discard)
	for _, c := range []struct{ kind, expr, in, want, wrong string }{
		{"jq", ".[].id", `[{"id":"a"},{"id":"b"}]`, "a\nb\n", ""},
		{"jq", ".n", "{\"n\":1}\n{\"n\":2}", "1\n2\n", ""},
		{"jq", "$ENV, env", "1", "{}\n{}\n", ""},
		{"template", "{{.n}}\n", `{"n":7}`, "7\n", ""},
		{"jq", ".[", "1", "", "The --jq expression is not right"},
		{"jq", ".[]", "1", "", "The --jq expression failed"},
		{"template", "{{", "1", "", "The --template is not right"},
		{"jq", strings.Repeat(" ", 20<<10), "1", "", "--jq takes at most 16384 bytes"},
	} {
		var out bytes.Buffer
		err := form(t, f, c.kind, c.expr, c.in, &out)
		if out.String() != c.want || (err == nil) != (c.wrong == "") || err != nil && (hub.CodeOf(err) != hub.Invalid || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s %.40s: %q, %v", c.kind, c.expr, out.String(), err)
		}
	}
}

// A guest's expression took all memory of the server, or one of its processors for
// good.
func TestExpressionsAreBounded(t *testing.T) {
	t.Parallel()
	f := newForms(io.Discard)
	for _, c := range [][2]string{
		{"jq", "[range(1e12)]"},
		{"jq", "def f: f; f"},
		{"jq", "range(1e12)"},
		{"jq", `reduce range(1e9) as $i ("x"; . + .)`},
		{"template", "{{define `f`}}{{range .}}{{template `f` $}}{{end}}{{end}}{{template `f` .}}"},
	} {
		err := form(t, f, c[0], c[1], "[1,2,3]", io.Discard)
		if hub.CodeOf(err) != hub.Invalid || !strings.Contains(fmt.Sprint(err), "more time or memory") && !strings.Contains(fmt.Sprint(err), "failed") {
			t.Errorf("%s: %v", c[1], err)
		}
	}
}

// One visitor takes few of the places, guests together half of them, and all give
// them back.
func TestExpressionsAreCounted(t *testing.T) {
	t.Parallel()
	f := newForms(io.Discard)
	forming.Turn(f, 0)
	var held []io.Closer
	start := func(who forming.Who) error {
		w, err := f.Start(t.Context(), who, "jq", ".", io.Discard)
		if err == nil {
			held = append(held, w)
		}
		return err
	}
	for range forming.MostOne {
		if err := start(ada); err != nil {
			t.Fatal(err)
		}
	}
	if err := start(ada); hub.CodeOf(err) != hub.Limit {
		t.Errorf("one too many: %v", err)
	}
	for i := range forming.Most(f) / 2 {
		if err := start(forming.Who{Name: fmt.Sprint("network ", i), Guest: true}); err != nil {
			t.Errorf("guests of network %d: %v", i, err)
		}
	}
	if err := start(forming.Who{Name: "one more", Guest: true}); hub.CodeOf(err) != hub.Limit {
		t.Errorf("one guest too many: %v", err)
	}
	if err := start(forming.Who{Name: "bob"}); err != nil {
		t.Errorf("an account beside as many guests as there may be: %v", err)
	}
	forming.Turn(f, time.Hour)
	if err := held[0].Close(); err != nil {
		t.Error(err)
	}
	if err := start(ada); err != nil {
		t.Errorf("after one has ended: %v", err)
	}
	forming.Turn(f, 0)
	for len(held) <= forming.Most(f) {
		if err := start(forming.Who{Name: fmt.Sprint(len(held))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := start(forming.Who{Name: "the last"}); hub.CodeOf(err) != hub.Limit {
		t.Errorf("there is room for any number: %v", err)
	}
	for _, w := range held[1:] {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Who doesn't read what was asked for kept the process, and its memory, for good.
func TestUnreadExpressionsEnd(t *testing.T) {
	t.Parallel()
	f := newForms(io.Discard)
	forming.Patience(f, time.Millisecond)
	forming.Turn(f, time.Hour)
	var held []io.Closer
	for range forming.MostOne + 1 { // the last one waits until another has ended, which nobody has closed
		r, out := io.Pipe()
		defer r.Close()
		w, err := f.Start(t.Context(), ada, "jq", `range(1e9) | "y" * 100000`, out)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, "1\n")
		held = append(held, w)
	}
	for _, w := range held {
		if err := w.Close(); !errors.Is(err, forming.ErrUnread) || hub.CodeOf(err) != hub.Invalid {
			t.Errorf("%v", err)
		}
	}
}

// What is wrong with the process is in the log, and nobody is told to ask for less.
func TestFailuresAreTold(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	f := newForms(&log)
	if err := form(t, f, "jq", ".", "{", io.Discard); hub.CodeOf(err) != hub.Internal || !strings.Contains(log.String(), "unexpected EOF") {
		t.Errorf("%v; the log: %s", err, log.String())
	}
	log.Reset()
	ctx, cancel := context.WithCancel(t.Context())
	w, err := f.Start(ctx, ada, "jq", ".", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := w.Close(); !errors.Is(err, context.Canceled) && err != nil || log.Len() > 0 {
		t.Errorf("a visit that has ended: %v; the log: %s", err, log.String())
	}
	r, out := io.Pipe()
	r.Close()
	if err := form(t, f, "jq", ".", "1", out); !errors.Is(err, io.ErrClosedPipe) || log.Len() > 0 {
		t.Errorf("nobody who reads: %v; the log: %s", err, log.String())
	}
}

// A bound that is lower already stays, also where nothing may raise it; who is at
// work in the server goes first, and stays where memory runs out.
func TestProcessIsModest(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -d 150000 && exec "$0" bounds`, program).CombinedOutput()
	if err != nil || string(out) != "153600000 19 1000\n" {
		t.Errorf("%s%v", out, err)
	}
}
