package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
)

// openSSH is the stock client without this machine's configuration.
func openSSH(addr, user, key string, args ...string) []string {
	host, port, _ := net.SplitHostPort(addr)
	return append([]string{
		"ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
		"-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-i", key, "-p", port, user + "@" + host,
	}, args...)
}

// connect is from a running lab's address to its prompt, and the hop that the
// gateway is.
func connect(ctx context.Context, r *rig) ([]table, error) {
	p, err := r.hub(ctx)
	if err != nil {
		return nil, err
	}
	d, err := r.openssh(ctx)
	if err != nil {
		return nil, err
	}
	driver, _, err := r.sandboxes(ctx, filepath.Join(p.data, "labs"))
	if err != nil {
		return nil, err
	}
	alone, err := agentAlone(ctx, driver, p.session)
	if err != nil {
		return nil, err
	}
	defer alone.close()
	version, _ := exec.CommandContext(ctx, "ssh", "-V").CombinedOutput()
	stock, err := race(ctx, r.rounds(20),
		runner{"lab, through the gateway", untilPrompt("", openSSH(p.ssh, p.session, p.keyFile)...)},
		runner{"sshd of this host, `/bin/sh`", untilPrompt("", openSSH(d.addr, d.user, d.keyFile)...)},
	)
	if err != nil {
		return nil, err
	}
	tables := []table{timings("`ssh` to a prompt, stock OpenSSH client", 0.9, stock,
		"Client: "+strings.TrimSpace(string(version))+", default algorithms, key login; the lab is running.")}

	adds, err := race(ctx, r.rounds(40),
		runner{"`ssh SESSION@HOST true`, through the gateway", untilEnd(openSSH(p.ssh, p.session, p.keyFile, "true"))},
		runner{"the same, to the agent itself", untilEnd(openSSH(alone.addr, p.session, p.keyFile, "true"))},
	)
	if err != nil {
		return nil, err
	}
	tables = append(tables, timings("What the gateway adds, stock OpenSSH client", 0.9, adds,
		"Both over TCP on loopback, acknowledged at once. The agent's bytes pass as they are, and it asks for no login; the gateway's part has the login with a key, and the database's word on whose key and lab it is."))

	hop, err := race(ctx, r.rounds(40),
		runner{"through the gateway", dialPrompt(func(ctx context.Context) (*ssh.Client, error) { return p.dial(ctx, p.learner) })},
		runner{"the agent itself, no gateway", dialPrompt(func(ctx context.Context) (*ssh.Client, error) { return labs.Connect(ctx, driver, p.session) })},
		runner{"sshd of this host", dialPrompt(func(ctx context.Context) (*ssh.Client, error) { return dialSSH(ctx, d.addr, d.user, d.signer) })},
	)
	if err != nil {
		return nil, err
	}
	tables = append(tables, timings("To a prompt with a Go client", 0.9, hop,
		"Without the stock client's own 15 ms or so. Here the agent is on its Unix socket, with no TCP, no login, and the cheapest key exchange."))

	head, err := race(ctx, r.rounds(8),
		runner{"`ssh SESSION@HOST yes \\| head -1`", yesHead(openSSH(p.ssh, p.session, p.keyFile, "yes"))},
		runner{"the same against sshd", yesHead(openSSH(d.addr, d.user, d.keyFile, "yes"))},
	)
	if err != nil {
		return nil, err
	}
	return append(tables, timings("A pipe that stops reading ends the command", 0.9, head)), nil
}

// yesHead is how long a pipeline lives whose reader wants one line.
func yesHead(argv []string) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		began := time.Now()
		out, err := exec.CommandContext(ctx, "bash", append([]string{"-c", `"$@" | head -1`, "bash"}, argv...)...).Output()
		if ctx.Err() != nil {
			return 0, errors.New("it doesn't end")
		}
		if err == nil && string(out) != "y\n" {
			err = fmt.Errorf("it says %q", out)
		}
		return time.Since(began), err
	}
}

// untilEnd times a command from its start to its end.
func untilEnd(argv []string) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		began := time.Now()
		out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
		took := time.Since(began)
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return took, err
	}
}
