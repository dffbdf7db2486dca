package labssh

import "time"

// resizes tells of each change of the terminal's size until stop. Windows has no
// signal for it, so size is asked again and again.
func resizes(size func() (columns, rows int)) (changed <-chan struct{}, stop func()) {
	out, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		again := time.NewTicker(250 * time.Millisecond)
		defer again.Stop()
		columns, rows := size()
		for {
			select {
			case <-done:
				return
			case <-again.C:
			}
			c, r := size()
			if c == columns && r == rows {
				continue
			}
			columns, rows = c, r
			select {
			case out <- struct{}{}:
			default: // one is waiting already
			}
		}
	}()
	return out, func() { close(done) }
}
