package labssh

import (
	"context"
	"errors"
	"os"

	"golang.org/x/term"
)

// Local attaches this process's own terminal, to the lab's terminal of that name
// or the first that is free: raw while attached, and as it was before when Local
// returns.
func Local(ctx context.Context, certify Certify, session string, in, out *os.File, say func(string)) (status int, detached bool, err error) {
	t, restore, err := Own(in, out)
	if err != nil {
		return 0, false, err
	}
	defer restore()
	t.Session = session
	t.Say = func(s string) {
		if say != nil {
			say("\r" + s + "\r") // the terminal is raw: a line feed alone does not go back
		}
	}
	return Attach(ctx, certify, t)
}

// Own makes this process's terminal raw, and one to attach. restore puts it
// back, and ends a read of its input that is under way.
func Own(in, out *os.File) (t Terminal, restore func(), err error) {
	if !term.IsTerminal(int(in.Fd())) {
		return Terminal{}, nil, errors.New("not a terminal")
	}
	keys, err := readKeys(in)
	if err != nil {
		return Terminal{}, nil, err
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		_ = keys.Close()
		return Terminal{}, nil, err
	}
	size := func() (int, int) {
		columns, rows, err := term.GetSize(int(out.Fd()))
		if err != nil {
			return 0, 0
		}
		return columns, rows
	}
	drawn := draws(out)
	resized, stop := resizes(size)
	restore = func() {
		stop()
		drawn()
		_ = term.Restore(int(in.Fd()), before)
		keys.Cancel()
		_ = keys.Close()
	}
	return Terminal{In: keys, Out: out, Name: os.Getenv("TERM"), Resized: resized, Size: size}, restore, nil
}
