package labssh

import (
	"context"
	"errors"
	"os"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"
)

// Local attaches this process's own terminal, to the lab's terminal of that name
// or the first that is free: raw while attached, and as it was before when Local
// returns.
func Local(ctx context.Context, certify Certify, session string, in, out *os.File, say func(string)) (status int, detached bool, err error) {
	if !term.IsTerminal(int(in.Fd())) {
		return 0, false, errors.New("not a terminal")
	}
	keys, err := cancelreader.NewReader(in)
	if err != nil {
		return 0, false, err
	}
	defer keys.Close()
	defer keys.Cancel()
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = term.Restore(int(in.Fd()), before) }()
	resized, stop := resizes()
	defer stop()
	return Attach(ctx, certify, Terminal{
		In: keys, Out: out, Name: os.Getenv("TERM"), Session: session, Resized: resized,
		Size: func() (int, int) {
			columns, rows, err := term.GetSize(int(out.Fd()))
			if err != nil {
				return 0, 0
			}
			return columns, rows
		},
		Say: func(s string) {
			if say != nil {
				say("\r" + s + "\r") // the terminal is raw: a line feed alone does not go back
			}
		},
	})
}
