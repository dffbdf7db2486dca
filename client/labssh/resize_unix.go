//go:build unix

package labssh

import (
	"os"
	"os/signal"
	"syscall"
)

// resizes tells of each change of the terminal's size until stop.
func resizes(func() (columns, rows int)) (changed <-chan struct{}, stop func()) {
	signals, out, done := make(chan os.Signal, 1), make(chan struct{}, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGWINCH)
	go func() {
		for {
			select {
			case <-done:
				return
			case <-signals:
				select {
				case out <- struct{}{}:
				default: // one is waiting already
				}
			}
		}
	}()
	return out, func() { signal.Stop(signals); close(done) }
}
