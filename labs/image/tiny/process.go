package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A process is one of /proc.
type process struct {
	pid   int
	user  string
	state string
	args  string
	comm  string
}

func processes() ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		raw, err := os.ReadFile("/proc/" + e.Name() + "/status")
		if err != nil {
			continue // it has ended
		}
		p := process{pid: pid}
		for line := range strings.Lines(string(raw)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
			switch key {
			case "Name":
				p.comm = value
			case "State":
				p.state, _, _ = strings.Cut(value, " ")
			case "Uid":
				uid, _, _ := strings.Cut(value, "\t")
				p.user = uid
				if u, err := user.LookupId(uid); err == nil {
					p.user = u.Username
				}
			}
		}
		cmdline, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if p.args = strings.TrimSpace(strings.ReplaceAll(string(cmdline), "\x00", " ")); p.args == "" {
			p.args = "[" + p.comm + "]"
		}
		all = append(all, p)
	}
	return all, nil
}

// ps shows all, however it is asked: there are never many.
func ps([]string) error {
	all, err := processes()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "%5s %-8s %-4s %s\n", "PID", "USER", "STAT", "COMMAND")
	for _, p := range all {
		fmt.Fprintf(os.Stdout, "%5d %-8s %-4s %s\n", p.pid, p.user, p.state, p.args)
	}
	return nil
}

func pgrep(args []string) error {
	opts, args, err := options(args, "xfla", "u")
	if err != nil {
		return err
	}
	name, err := oneOf(args)
	if err != nil {
		return err
	}
	all, err := processes()
	if err != nil {
		return err
	}
	found := false
	for _, p := range all {
		in := p.comm
		if has(opts, 'f') {
			in = p.args
		}
		if p.pid == os.Getpid() || !strings.Contains(in, name) || has(opts, 'x') && in != name {
			continue
		}
		found = true
		line := strconv.Itoa(p.pid)
		if has(opts, 'a') || has(opts, 'l') {
			line += " " + p.args
		}
		if err := say(line); err != nil {
			return err
		}
	}
	if !found {
		return status(1)
	}
	return nil
}

func kill(args []string) error {
	sig := syscall.SIGTERM
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name := strings.TrimPrefix(args[0], "-")
		args = args[1:]
		if name == "s" && len(args) > 0 {
			name, args = args[0], args[1:]
		}
		if n, err := strconv.Atoi(name); err == nil {
			sig = syscall.Signal(n)
		} else if sig = unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG")); sig == 0 {
			return fmt.Errorf("there is no signal %s", name)
		}
	}
	if len(args) == 0 {
		return errors.New("usage: kill [-SIGNAL] PIDS")
	}
	for _, arg := range args {
		pid, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		if err := syscall.Kill(pid, sig); err != nil {
			return fmt.Errorf("%d: %w", pid, err)
		}
	}
	return nil
}
