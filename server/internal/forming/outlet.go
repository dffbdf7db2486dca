package forming

import (
	"errors"
	"io"
	"time"
)

// errUnread is why a process ends whose reader takes too little.
var errUnread = errors.New("nobody reads what it writes")

// outlet is where a process writes. A visitor who doesn't read, or by the byte, would
// keep it, and its memory, for as long as they like: it has so much time to write, in
// its whole life, and is stopped. What waits for its next value writes nothing.
type outlet struct {
	to   io.Writer
	left time.Duration
	end  <-chan struct{} // of the process
	stop func()
	err  error
}

// Write leaves behind what is stuck, until the visit ends: the process must not wait
// for it, nor whoever waits for the process.
func (o *outlet) Write(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	wrote := make(chan result, 1)
	begun := time.Now()
	late := time.NewTimer(o.left)
	defer late.Stop()
	go func() {
		n, err := o.to.Write(p) // p is nobody else's: what copies gives up after an error
		wrote <- result{n, err}
	}()
	var r result
	select {
	case r = <-wrote:
		o.left -= time.Since(begun)
	case <-late.C:
		r.err = errUnread
	case <-o.end:
		r.err = io.ErrClosedPipe
	}
	if r.err != nil {
		o.err = r.err
		o.stop()
	}
	return r.n, r.err
}
