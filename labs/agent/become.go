package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// become makes a sandbox that waited for somebody theirs. What it starts from
// now on has the environment; nothing of the learner's has been started.
func (a *agent) become(self proto.Self) error {
	if len(self.Hostname) > 64 {
		return errors.New("become: that is no host name")
	}
	a.terms.giveUp() // its prompt may have the old name in it
	if len(self.Env) > 0 {
		a.given.Store(&self.Env)
	}
	if self.Hostname == "" || a.prefix != "" { // outside a sandbox the name is the host's
		return nil
	}
	if err := unix.Sethostname([]byte(self.Hostname)); err != nil {
		return fmt.Errorf("become: %w", err)
	}
	for name, text := range proto.Names(self.Hostname) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return fmt.Errorf("become: %w", err)
		}
	}
	return nil
}
