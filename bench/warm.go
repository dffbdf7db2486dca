package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
)

// warm is a lab that somebody else has made before it was asked for, beside one
// that is made now.
func warm(ctx context.Context, r *rig) ([]table, error) {
	d, _, err := r.sandboxes(ctx, filepath.Join(r.dir, "warm"))
	if err != nil {
		return nil, err
	}
	claimer, ok := d.(labs.Claimer)
	if !ok {
		return nil, errors.New("the driver keeps nothing waiting")
	}
	defer func() { _ = labs.Clear(context.WithoutCancel(ctx), d) }()
	enter := func(ctx context.Context, id string) (*ssh.Client, error) { return labs.Connect(ctx, d, id) }
	create := func(ctx context.Context) (time.Duration, error) {
		const id = "cold"
		took, err := dialPrompt(func(ctx context.Context) (*ssh.Client, error) {
			if err := d.Create(ctx, labs.Spec{ID: id}); err != nil {
				return nil, err
			}
			return enter(ctx, id)
		})(ctx)
		return took, errors.Join(err, d.Destroy(context.WithoutCancel(ctx), id))
	}
	// Each of the next two waits for its turn as long as the others take theirs.
	claim, err := waiting(ctx, claimer, "plain", enter)
	if err != nil {
		return nil, err
	}
	name, err := waiting(ctx, claimer, "named", func(ctx context.Context, id string) (*ssh.Client, error) {
		s, err := labs.Open(ctx, d, id)
		if err == nil {
			err = s.Become(ctx, "web01", nil)
			_ = s.Close()
		}
		if err != nil {
			return nil, err
		}
		return enter(ctx, id)
	})
	if err != nil {
		return nil, err
	}
	results, err := race(ctx, r.rounds(25),
		runner{"one that waits: claim, connect, SSH handshake, terminal, prompt", claim},
		runner{"one that waits, and gets a host name of its own", name},
		runner{"one that is made", create})
	if err != nil {
		return nil, err
	}
	return []table{timings("A lab that waits for its learner", 0.9, results,
		"In the first the login shell waits too. It is the learner's where nothing was done in the sandbox since; in the others the shell's own start is in the time.")}, nil
}

// waiting makes a sandbox as a pool does, and returns what times its claim up to
// the prompt and then makes the next one.
func waiting(ctx context.Context, d labs.Claimer, name string, enter func(context.Context, string) (*ssh.Client, error)) (func(context.Context) (time.Duration, error), error) {
	id := labs.WaitingID(name)
	next := func(ctx context.Context) error {
		if err := d.Create(ctx, labs.Spec{ID: id}); err != nil {
			return err
		}
		s, err := labs.Open(ctx, d, id)
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Prepare(ctx)
	}
	n := 0
	return func(ctx context.Context) (time.Duration, error) {
		n++
		claimed := fmt.Sprintf("%s-%d", name, n)
		took, err := dialPrompt(func(ctx context.Context) (*ssh.Client, error) {
			if err := d.Claim(ctx, id, claimed); err != nil {
				return nil, err
			}
			return enter(ctx, claimed)
		})(ctx)
		return took, errors.Join(err, d.Destroy(context.WithoutCancel(ctx), claimed), next(ctx))
	}, next(ctx)
}
