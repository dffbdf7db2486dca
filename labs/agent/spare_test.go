package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// prepared lets a shell wait in r and returns its process.
func (r running) prepared(t *testing.T) int {
	t.Helper()
	ok(t, r.sandbox(t).Prepare(t.Context()))
	shells := children(r.pid)
	if len(shells) != 1 {
		t.Fatalf("%d shells wait", len(shells))
	}
	return shells[0]
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A shell that has waited is the learner's first terminal, with its prompt and
// at the size of theirs.
func TestSpareIsTheFirstTerminal(t *testing.T) {
	t.Parallel()
	r := launch(t)
	spare := r.prepared(t)
	c := r.client(t)
	w := attachAs(t, c, 100, "xterm-256color", nil, nil)
	w.sees(`[#$] `)
	w.typeLine("echo pid-$$ $(stty size) $TERM")
	w.sees(fmt.Sprintf(`pid-%d 24 100 xterm-256color`, spare))
	if got, _, _ := r.exec(t, "echo other-$$"); strings.Contains(got, fmt.Sprint(spare)) {
		t.Errorf("a command is the spare: %q", got)
	}
	w.typeLine("echo still-$$") // in use, it is nobody's spare
	w.sees(fmt.Sprintf(`still-%d`, spare))
	next := attach(t, c, "other")
	next.typeLine("echo next-$$")
	if got := next.sees(`next-(\d+)`)[1]; got == fmt.Sprint(spare) {
		t.Error("two terminals have one shell")
	}
}

// Wherever one could tell it from a shell that is started now, one is.
func TestSpareIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(t *testing.T, r running)
		term   string
		env    map[string]string
		modes  ssh.TerminalModes
	}{
		"a command": {before: func(t *testing.T, r running) { r.exec(t, "true") }},
		"files":     {before: func(t *testing.T, r running) { ok(t, r.sandbox(t).Push(t.Context(), tarOf(t))) }},
		"set-up": {before: func(t *testing.T, r running) {
			ok(t, r.sandbox(t).Start(t.Context(), proto.Script{Name: "x", Source: []byte("true")}))
		}},
		"a working folder": {before: func(t *testing.T, r running) { ok(t, r.sandbox(t).Login(t.Context(), proto.Learner{Dir: "/usr"})) }},
		"an environment": {before: func(t *testing.T, r running) {
			ok(t, r.sandbox(t).Become(t.Context(), "", map[string]string{"A": "b"}))
		}},
		"another language":  {env: map[string]string{"LANG": "de_DE.UTF-8"}},
		"another terminal":  {term: "vt100"},
		"another erase key": {modes: ssh.TerminalModes{ssh.VERASE: 8}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := launch(t)
			spare := r.prepared(t)
			if c.before != nil {
				c.before(t, r)
			}
			w := attachAs(t, r.client(t), 80, cmp.Or(c.term, "xterm-256color"), c.env, c.modes)
			w.typeLine("echo pid-$$")
			if got := w.sees(`pid-(\d+)`)[1]; got == fmt.Sprint(spare) {
				t.Error("the shell is the spare")
			}
			if _, err := os.Stat(fmt.Sprintf("/proc/%d", spare)); err == nil {
				t.Error("the spare is still there")
			}
		})
	}
}

// In a sandbox that is in use there is none.
func TestNoSpareBesideATerminal(t *testing.T) {
	t.Parallel()
	r := launch(t)
	w := attach(t, r.client(t), "")
	w.typeLine("echo pid-$$")
	w.sees(`pid-\d+`)
	ok(t, r.sandbox(t).Prepare(t.Context()))
	if got := children(r.pid); len(got) != 1 {
		t.Errorf("%d shells", len(got))
	}
}
