package paint_test

import (
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/cloudmastershub/cmh/tui/paint"
)

// Who leaves at once waits for what the terminal was asked, but not long, and not
// where it was asked nothing.
func TestLeavingWaitsForAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		env     string
		answers string
		takes   time.Duration
	}{
		"answered":      {"TERM=xterm-256color", "\x1b[?2026;2$y\x1b[?2027;0$y", 0},
		"half answered": {"TERM=xterm-256color", "\x1b[?2026;2$y", 200 * time.Millisecond},
		"silent":        {"TERM=xterm-256color", "", 200 * time.Millisecond},
		"over SSH":      {"SSH_TTY=", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, text("hello"), func(_ *show, o *paint.Options) { o.Env = []string{test.env} })
				began := time.Now()
				s.Send(tea.Quit())
				s.Send(tea.Quit())
				synctest.Wait()
				select {
				case err := <-s.ended:
					if test.env != "SSH_TTY=" {
						t.Error("left before there was an answer")
					}
					s.ended <- err
				default:
				}
				_, _ = s.keys.Write([]byte(test.answers))
				if err := <-s.ended; err != nil || time.Since(began) != test.takes {
					t.Errorf("%v after %v", err, time.Since(began))
				}
				_ = s.keys.Close()
				s.cancel()
				time.Sleep(time.Second)
			})
		})
	}
}
