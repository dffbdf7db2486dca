package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// bulkBytes is what one round moves.
const bulkBytes = 128 << 20

// bulk is how fast a lab's output comes out of the stock client, beside a stock
// sshd with the same cipher.
func bulk(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	d, err := r.openssh(ctx)
	if err != nil {
		return nil, err
	}
	const cipher = "aes128-gcm@openssh.com"
	command := fmt.Sprintf("head -c %d /dev/zero", bulkBytes)
	results, err := race(ctx, r.rounds(5),
		runner{"lab, through the gateway", swallow(append([]string{"ssh", "-c", cipher}, openSSH(p.ssh, p.session, p.keyFile, command)[1:]...))},
		runner{"sshd of this host", swallow(append([]string{"ssh", "-c", cipher}, openSSH(d.addr, d.user, d.keyFile, command)[1:]...))},
	)
	if err != nil {
		return nil, err
	}
	t := table{title: "Bulk output", head: []string{"", "MB/s", "ours ÷ this"}, notes: []string{fmt.Sprintf(
		"%d MiB a round, %s, from the first byte to the last; client and server share the two cores, and ours passes through the gateway and the agent. %d rounds.",
		bulkBytes>>20, cipher, len(results[0].times))}}
	for i, res := range results {
		share := "1"
		if i > 0 {
			share = fmt.Sprintf("**%.2f**", 1/ratio(results[0].times, res.times))
		}
		rate := float64(bulkBytes) / 1e6 / quantile(res.times, 0.5).Seconds()
		t.rows = append(t.rows, []string{res.name, fmt.Sprintf("%.0f", rate), share})
	}
	return []table{t}, nil
}

// swallow times a command's output from its first byte to its end.
func swallow(argv []string) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			return 0, err
		}
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		one := make([]byte, 1)
		_, err = io.ReadFull(out, one)
		began := time.Now()
		n, cerr := io.Copy(io.Discard, out)
		took := time.Since(began)
		err = errors.Join(err, cerr, cmd.Wait())
		if err == nil && n != bulkBytes-1 {
			err = fmt.Errorf("%d bytes came", n+1)
		}
		return took, err
	}
}
