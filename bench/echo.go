package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/ssh"
)

// echo is from a key pressed to its letter seen, in bash on a terminal.
func echo(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	d, err := r.openssh(ctx)
	if err != nil {
		return nil, err
	}
	gw, err := p.dial(ctx, p.learner)
	if err != nil {
		return nil, err
	}
	defer gw.Close()
	host, err := dialSSH(ctx, d.addr, d.user, d.signer)
	if err != nil {
		return nil, err
	}
	defer host.Close()
	stop := context.AfterFunc(ctx, func() { gw.Close(); host.Close() })
	defer stop()
	var runners []runner
	for _, t := range []struct {
		name   string
		client *ssh.Client
	}{{"lab, through the gateway", gw}, {"sshd of this host", host}} {
		key, err := typist(t.client)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		runners = append(runners, runner{t.name, key})
	}
	results, err := race(ctx, r.rounds(1000), runners...)
	if err != nil {
		return nil, err
	}
	return []table{timings("A keystroke's echo", 0.99, results, "A Go client and `bash` on a terminal at both ends; OpenSSH 9.5 and later hold keys back for up to 20 ms on purpose, whatever the server.")}, nil
}

// typist returns a function that presses one key and waits for it.
func typist(c *ssh.Client) (func(context.Context) (time.Duration, error), error) {
	_, in, out, err := shell(c, "exec bash --norc --noprofile -i")
	if err != nil {
		return nil, err
	}
	buf, typed := make([]byte, 4096), 0
	return func(context.Context) (time.Duration, error) {
		if typed++; typed%60 == 0 { // before the line is full
			if _, err := io.WriteString(in, "\x15"); err != nil {
				return 0, err
			}
			for seen := 0; seen < 1; {
				n, err := out.Read(buf)
				if err != nil {
					return 0, err
				}
				seen += n
			}
		}
		key := []byte{byte('a' + typed%26)}
		began := time.Now()
		if _, err := in.Write(key); err != nil {
			return 0, err
		}
		for {
			n, err := out.Read(buf)
			if bytes.Contains(buf[:n], key) {
				return time.Since(began), nil
			}
			if err != nil {
				return 0, err
			}
		}
	}, nil
}
