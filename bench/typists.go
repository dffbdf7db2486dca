package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	typists    = 14 // an account may have twenty connections, a lab sixteen terminals
	typingFor  = 8 * time.Second
	keystrokes = 200 * time.Millisecond
)

// typing is what the server spends on learners who type.
func typing(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	var keys []func(context.Context) (time.Duration, error)
	for range typists {
		c, err := p.dial(ctx, p.learner)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		key, err := typist(c)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	before, began := cpuTime(p.pid), time.Now()
	g, gctx := errgroup.WithContext(ctx)
	for _, key := range keys {
		g.Go(func() error {
			tick := time.NewTicker(keystrokes)
			defer tick.Stop()
			for time.Since(began) < typingFor {
				if _, err := key(gctx); err != nil {
					return err
				}
				select {
				case <-tick.C:
				case <-gctx.Done():
					return gctx.Err()
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	each := (cpuTime(p.pid) - before).Seconds() * 1000 / time.Since(began).Seconds() / typists
	return []table{{
		title: "Learners who type", head: []string{"", "CPU"},
		rows:  [][]string{{"the server, for one learner at five keys a second", fmt.Sprintf("%.1f ms/s", each)}},
		notes: []string{fmt.Sprintf("%d learners for %v. Keys that the client sends; OpenSSH 9.5 and later add decoys.", typists, typingFor)},
	}}, nil
}
