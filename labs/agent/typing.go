package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// How long a script that is to be sourced waits for the shell to read a line.
// Typed into a program in the foreground it would land in the learner's file.
const promptWait = 10 * time.Minute

// typeIn types into a terminal as the learner would, making it when there is
// none. A sourced script is queued until the shell is at its prompt.
func (a *agent) typeIn(typing proto.Typing) error {
	name := typing.Terminal
	if name == "" {
		name = "main"
	}
	if !validName(name) {
		return fmt.Errorf("type: %q is no name for a terminal", name)
	}
	t, _, err := a.terms.attach(name, "", nil, clampSize(0, 0), nil)
	if err != nil {
		return err
	}
	t.out.nobody()
	if typing.Source == nil {
		defer t.release()
		return t.input(typing.Bytes)
	}
	file, marker, err := a.writeSourced(typing.Source)
	if err != nil {
		t.release()
		return err
	}
	t.release()
	a.queued.Add(1)
	go func() {
		defer a.queued.Add(-1)
		t.source(file, marker)
	}()
	return nil
}

// sourcing is how many scripts wait for a prompt or are at work in their
// shells. One that became another shell is at work for as long as that lives.
// The caller holds ts.mu.
func (ts *terminals) sourcing() int {
	n := int(ts.a.queued.Load())
	for _, t := range ts.byName {
		t.mu.Lock()
		marker := t.marker
		t.mu.Unlock()
		if st, err := os.Lstat(marker); marker != "" && err == nil && st.Size() > 0 {
			n++
		}
	}
	return n
}

// writeSourced writes the script and a second one around it, which puts the
// shell's options back afterwards; so the line that the learner sees is short.
// The marker is empty once the script has come to its end.
func (a *agent) writeSourced(source []byte) (file, marker string, err error) {
	script, err := a.writeScript(source, 0o644)
	if err != nil {
		return "", "", err
	}
	marker = script + ".m"
	// Restored by builtins alone, whatever the script did to PATH. The line that
	// was typed is wiped first: learners see what a script says, not the script.
	around := fmt.Sprintf("[ ! -t 1 ] || printf '\\033[A\\033[2K\\r'\n. %s\nset +e +u +o pipefail -m\n[ ! -w %[2]s ] || : >|%[2]s\n", script, marker)
	file, err = a.writeScript([]byte(around), 0o644)
	return file, marker, err
}

// source types the line that makes the shell read file.
func (t *terminal) source(file, marker string) {
	if !t.awaitPrompt() {
		return
	}
	if err := writeNew(marker, []byte("running\n"), 0o666); err != nil {
		logf("source: %v", err)
	}
	t.mu.Lock()
	t.marker = marker
	t.mu.Unlock()
	line := " . " + file + "\n"
	if atPrompt(t.ptmx) {
		line = "\x01\x0b" + line // to the start of the line, and cut what was typed already
	}
	_ = t.input([]byte(line))
}

// awaitPrompt waits until the terminal's shell, or one started in it, reads a
// line.
func (t *terminal) awaitPrompt() bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	until := time.Now().Add(promptWait)
	for quiet := 0; time.Now().Before(until); {
		if quiet++; !t.shellInFront() {
			quiet = 0
		}
		// A shell without a line editor doesn't show that it waits, except by
		// staying in front.
		if quiet > 0 && atPrompt(t.ptmx) || quiet > 50 {
			return true
		}
		select {
		case <-tick.C:
		case <-t.done:
			return false
		}
	}
	return false
}

func (t *terminal) shellInFront() bool {
	pg := foreground(t.ptmx)
	if pg <= 0 {
		return false
	}
	t.mu.Lock()
	own := t.shell.pid == pg
	t.mu.Unlock()
	if own {
		return true
	}
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pg))
	if err != nil {
		return false
	}
	switch strings.TrimSpace(string(comm)) {
	case "bash", "sh", "dash", "ash", "zsh", "ksh":
		return true
	}
	return false
}
