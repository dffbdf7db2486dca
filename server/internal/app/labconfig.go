package app

import (
	"context"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
)

// LabConfig is what labs need of the machine the server runs on. With a nil
// Engine labs can be read here and none can be started.
type LabConfig struct {
	Engine *labs.Engine
	Driver string // its name, shown to learners
	Node   string // this machine; a session is pinned to the one it began on

	// OneLearner says that sandboxes here can't be kept from taking all of the
	// machine, so that only one learner's may run at a time.
	OneLearner bool

	// Abilities are the labels of package scenario that sandboxes here can
	// give, "linux" among them.
	Abilities []string

	// MaxRunning is how many sessions this machine may have at once, MaxStarting
	// how many of them may be on their way; 0 is no limit. Others queue.
	MaxRunning, MaxStarting int

	// Installed reports whether sandboxes here can be made of the image that a
	// lab names; the empty name is the default. Nil: of any.
	Installed func(image string) bool

	// InstalledState is another text once Installed may answer otherwise. Nil: it
	// never does.
	InstalledState func() string

	// Free and Premium are how long the sessions of each tier live. Zero fields
	// take the defaults of DefaultFree and DefaultPremium.
	Free, Premium LabTime

	// Share is how much each learner may keep; a zero field is the tier's own.
	Share LabShare

	// SSH is where learners reach the gateway; User is filled in for each
	// session.
	SSH hub.SSHAddress

	// UserCA signs the certificates of LabCertificate. The gateway trusts its
	// public key. Without one there are no certificates.
	UserCA ssh.Signer
}

// labWork is what this process is doing with sandboxes right now: at most one
// thing with each. Its zero value is ready.
type labWork struct {
	mu       sync.Mutex
	busy     map[string]chan struct{} // closed when the work on the session ends
	checking map[string]bool          // sessions somebody waits for a check of
	attached map[string]int           // connections to the session's sandbox
	told     map[string]time.Time     // when each sandbox was told that it ends
	look     map[string]time.Time     // when to ask each sandbox again whether it is in use
	polls    polls
}

// claim waits for the session to be free, takes it, and returns how to give it
// back.
func (w *labWork) claim(ctx context.Context, session string) (release func(), err error) {
	for {
		release, taken := w.tryClaim(session)
		if taken == nil {
			return release, nil
		}
		select {
		case <-taken:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tryClaim takes the session when it is free. When it is not, taken closes once
// it may be.
func (w *labWork) tryClaim(session string) (release func(), taken <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if done, ok := w.busy[session]; ok {
		return nil, done
	}
	if w.busy == nil {
		w.busy = map[string]chan struct{}{}
	}
	done := make(chan struct{})
	w.busy[session] = done
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.busy, session)
		close(done)
	}, nil
}

// beginCheck reports whether nobody is checking the session, and if so, that
// the caller is.
func (w *labWork) beginCheck(session string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.checking == nil {
		w.checking = map[string]bool{}
	}
	if w.checking[session] {
		return false
	}
	w.checking[session] = true
	return true
}

func (w *labWork) endCheck(session string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.checking, session)
}

// attach adds delta to the connections of the session and returns how many
// there are.
func (w *labWork) attach(session string, delta int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.attached == nil {
		w.attached = map[string]int{}
	}
	w.attached[session] += delta
	n := w.attached[session]
	if n <= 0 {
		delete(w.attached, session)
	}
	return n
}
