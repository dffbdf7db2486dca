package paint

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/client/labssh"
)

// What one screen was drawn with is there for the next one like it, whoever draws
// others in between, and nobody fills the memory with sizes that they think out.
func TestCanvasesAreKeptByKind(t *testing.T) {
	s := shared{kept: map[kind]*sync.Pool{}}
	small, other := kind{"xterm", 80, 24}, kind{"tmux", 80, 24}
	if first := s.of(small); s.of(other) == first || s.of(small) != first {
		t.Error("they aren't apart")
	}
	for n := range 1000 {
		s.of(kind{fmt.Sprint(n), n, n})
	}
	if len(s.kept) > kinds {
		t.Errorf("%d kinds are kept", len(s.kept))
	}
}

// Whatever panics of what a command leads to, the terminal is given back before
// anybody hears of it: what is printed then is to be read.
func TestPanicsAreReadable(t *testing.T) {
	fine, bad := func() tea.Msg { return nil }, func() tea.Msg { panic("a command") }
	for name, cmd := range map[string]tea.Cmd{
		"alone":         bad,
		"in a batch":    tea.Batch(fine, bad),
		"in a sequence": tea.Sequence(fine, bad),
		"deep inside":   tea.Batch(fine, tea.Sequence(fine, tea.Batch(tea.Sequence(fine, bad), fine))),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				in, w := io.Pipe()
				given, panicked := 0, false
				p := New(ctx, nil, func() (labssh.Terminal, func(), error) {
					return labssh.Terminal{In: in, Out: io.Discard}, func() { given++; _ = w.Close() }, nil
				}, Options{})
				if err := p.take(); err != nil {
					t.Fatal(err)
				}
				var run func(tea.Cmd)
				run = func(cmd tea.Cmd) {
					defer func() {
						if recover() == nil {
							return
						}
						if panicked = true; given != 1 {
							t.Errorf("given back %d times", given)
						}
					}()
					for _, more := range inner(cmd()) {
						run(more)
					}
				}
				if run(p.guarded(cmd)); !panicked {
					t.Error("nothing has panicked")
				}
				cancel()
				time.Sleep(time.Second)
			})
		})
	}
}
