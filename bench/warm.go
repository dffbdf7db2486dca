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
	n := 0
	waiting := labs.WaitingID("bench")
	claim := func(ctx context.Context) (time.Duration, error) {
		n++
		id := fmt.Sprintf("warm-%d", n)
		if err := d.Create(ctx, labs.Spec{ID: waiting}); err != nil {
			return 0, err
		}
		began := time.Now()
		if err := claimer.Claim(ctx, waiting, id); err != nil {
			return 0, err
		}
		_, err := dialPrompt(func(ctx context.Context) (*ssh.Client, error) { return labs.Connect(ctx, d, id) })(ctx)
		took := time.Since(began)
		return took, errors.Join(err, d.Destroy(context.WithoutCancel(ctx), id))
	}
	create := func(ctx context.Context) (time.Duration, error) {
		began := time.Now()
		_, err := dialPrompt(func(ctx context.Context) (*ssh.Client, error) {
			if err := d.Create(ctx, labs.Spec{ID: "cold"}); err != nil {
				return nil, err
			}
			return labs.Connect(ctx, d, "cold")
		})(ctx)
		took := time.Since(began)
		return took, errors.Join(err, d.Destroy(context.WithoutCancel(ctx), "cold"))
	}
	results, err := race(ctx, r.rounds(25), runner{"one that waits: claim, connect, SSH handshake, terminal, prompt", claim}, runner{"one that is made", create})
	if err != nil {
		return nil, err
	}
	return []table{timings("A lab that waits for its learner", 0.9, results, "The login shell's own start is in both.")}, nil
}
