package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/ssh"
)

// life is what a learner waits for in a lab that runs: a verdict, and the
// screen that was left.
func life(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	check := func(ctx context.Context) (time.Duration, error) {
		began := time.Now()
		_, err := p.client.CheckLab(ctx, p.session, 0)
		return time.Since(began), err
	}
	again, err := p.comeBack(ctx)
	if err != nil {
		return nil, err
	}
	results, err := race(ctx, r.rounds(60), runner{"check: the API is asked, the script runs, its verdict is stored", check},
		runner{"attach again: dial, log in, and the screen that was left", again})
	if err != nil {
		return nil, err
	}
	t := table{title: "In a lab that runs", head: []string{"", "p50", "p95"}, notes: []string{fmt.Sprintf("Through the API and the gateway. %d rounds.", len(results[0].times))}}
	for _, res := range results {
		t.rows = append(t.rows, []string{res.name, ms(quantile(res.times, 0.5)), ms(quantile(res.times, 0.95))})
	}
	return []table{t}, nil
}

// comeBack leaves a full screen behind, and returns what times coming back to it.
func (p *product) comeBack(ctx context.Context) (func(context.Context) (time.Duration, error), error) {
	const mark = "here-I-was"
	attach := func(ctx context.Context, typed string) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		began := time.Now()
		c, err := p.dial(ctx, p.learner)
		if err != nil {
			return 0, err
		}
		defer c.Close()
		defer context.AfterFunc(ctx, func() { _ = c.Close() })()
		s, err := c.NewSession()
		if err != nil {
			return 0, err
		}
		in, err := s.StdinPipe()
		if err != nil {
			return 0, err
		}
		out, err := s.StdoutPipe()
		if err != nil {
			return 0, err
		}
		if err := s.RequestPty("xterm-256color", 24, 80, ssh.TerminalModes{}); err != nil {
			return 0, err
		}
		if err := s.Shell(); err != nil {
			return 0, err
		}
		if _, err := io.WriteString(in, typed); err != nil {
			return 0, err
		}
		var seen []byte
		buf := make([]byte, 16<<10)
		for !bytes.Contains(seen, []byte(mark)) {
			n, err := out.Read(buf)
			if seen = append(seen, buf[:n]...); err != nil {
				return 0, fmt.Errorf("the screen isn't back but %q: %w", seen, err)
			}
		}
		return time.Since(began), nil
	}
	// The mark is printed, not typed, so that the echo isn't taken for it.
	if _, err := attach(ctx, "seq 1 200; printf '%s-%s\\n' here I-was\n"); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (time.Duration, error) { return attach(ctx, "") }, nil
}
