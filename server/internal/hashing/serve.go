package hashing

import (
	"encoding/gob"
	"errors"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// Serve is what a Worker's process does: tasks come in, answers go out, until in
// ends, and then nothing is finished. The processors are its parent's first.
func Serve(in io.Reader, out io.Writer) error {
	yield()
	var mu sync.Mutex
	to, from := gob.NewEncoder(out), gob.NewDecoder(in)
	for {
		var t task
		if err := from.Decode(&t); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		go func() { // ends with the process, at the latest
			a := t.do()
			mu.Lock()
			defer mu.Unlock()
			_ = to.Encode(a) // nobody may be left to tell
		}()
	}
}

// yield lets everybody else go first. Where that is forbidden, it is no worse
// than before.
func yield() {
	of, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // Linux tells 20 less the nice value
	if err != nil {
		return
	}
	// The whole group, which is this process alone: of a process, Linux would
	// take it for one thread.
	_ = unix.Setpriority(unix.PRIO_PGRP, 0, min(20-of+niceness, 19))
}

const niceness = 10

func (t task) do() answer {
	a := answer{ID: t.ID}
	var err error
	if t.Hash != nil {
		a.Matches, err = Matches(t.Hash, t.Secret)
	} else {
		a.Hash, err = Hash(t.Secret, t.Cost)
	}
	if err != nil {
		a.Err = err.Error()
	}
	return a
}
