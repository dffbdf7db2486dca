package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func say(text string) error {
	_, err := fmt.Fprintln(os.Stdout, text)
	return err
}

func oneOf(args []string) (string, error) {
	if len(args) == 0 {
		return "", errors.New("name a file")
	}
	return args[0], nil
}

func id(args []string) error {
	opts, args, err := options(args, "ugnG", "")
	if err != nil {
		return err
	}
	uid, gid := strconv.Itoa(os.Geteuid()), strconv.Itoa(os.Getegid())
	if len(args) > 0 {
		u, err := user.Lookup(args[0])
		if err != nil {
			return err
		}
		uid, gid = u.Uid, u.Gid
	}
	owner, group := uid, gid
	if u, err := user.LookupId(uid); err == nil {
		owner = u.Username
	}
	if g, err := user.LookupGroupId(gid); err == nil {
		group = g.Name
	}
	pick := func(number, name string) error {
		if has(opts, 'n') {
			return say(name)
		}
		return say(number)
	}
	switch {
	case has(opts, 'u'):
		return pick(uid, owner)
	case has(opts, 'g'), has(opts, 'G'):
		return pick(gid, group)
	}
	return say(fmt.Sprintf("uid=%s(%s) gid=%s(%s) groups=%s(%s)", uid, owner, gid, group, gid, group))
}

func whoami([]string) error { return id([]string{"-un"}) }

func uname(args []string) error {
	opts, _, err := options(args, "asnrvmo", "")
	if err != nil {
		return err
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err
	}
	var words []string
	for _, f := range []struct {
		c    byte
		text string
	}{
		{'s', unix.ByteSliceToString(u.Sysname[:])},
		{'n', unix.ByteSliceToString(u.Nodename[:])},
		{'r', unix.ByteSliceToString(u.Release[:])},
		{'v', unix.ByteSliceToString(u.Version[:])},
		{'m', unix.ByteSliceToString(u.Machine[:])},
		{'o', "Linux"},
	} {
		if has(opts, f.c) || has(opts, 'a') || f.c == 's' && len(opts) == 0 {
			words = append(words, f.text)
		}
	}
	return say(strings.Join(words, " "))
}

func hostname([]string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	return say(name)
}

func date(args []string) error {
	opts, args, err := options(args, "u", "")
	if err != nil {
		return err
	}
	t := time.Now()
	if has(opts, 'u') {
		t = t.UTC()
	}
	format := "+%a %b %e %H:%M:%S %Z %Y"
	if len(args) > 0 {
		format = args[0]
	}
	return say(strings.NewReplacer("%a", t.Format("Mon"), "%b", t.Format("Jan"), "%e", t.Format("_2"), "%d", t.Format("02"), "%m", t.Format("01"),
		"%Y", t.Format("2006"), "%y", t.Format("06"), "%H", t.Format("15"), "%M", t.Format("04"), "%S", t.Format("05"), "%Z", t.Format("MST"),
		"%F", t.Format(time.DateOnly), "%T", t.Format(time.TimeOnly), "%s", strconv.FormatInt(t.Unix(), 10), "%%", "%").Replace(strings.TrimPrefix(format, "+")))
}

func sleep(args []string) error {
	var total time.Duration
	for _, arg := range args {
		d, err := time.ParseDuration(arg)
		if n, numErr := strconv.ParseFloat(arg, 64); numErr == nil {
			d, err = time.Duration(n*float64(time.Second)), nil
		}
		if err != nil {
			return err
		}
		total += d
	}
	<-time.After(total)
	return nil
}

// env prints the environment, or runs a program in a changed one.
func env(args []string) error {
	for len(args) > 0 && strings.Contains(args[0], "=") {
		name, value, _ := strings.Cut(args[0], "=")
		if err := os.Setenv(name, value); err != nil {
			return err
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return say(strings.Join(os.Environ(), "\n"))
	}
	if filepath.Base(os.Args[0]) == "printenv" {
		value, ok := os.LookupEnv(args[0])
		if !ok {
			return status(1)
		}
		return say(value)
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, "env:", err)
		return status(127)
	}
	return syscall.Exec(path, args, os.Environ())
}

func which(args []string) error {
	var err error
	for _, name := range args {
		path, lookErr := exec.LookPath(name)
		if lookErr != nil {
			err = status(1)
			continue
		}
		if sayErr := say(path); sayErr != nil {
			return sayErr
		}
	}
	return err
}

func seq(args []string) error {
	first, step, last := 1, 1, 0
	var n []int
	for _, arg := range args {
		v, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		n = append(n, v)
	}
	switch len(n) {
	case 1:
		last = n[0]
	case 2:
		first, last = n[0], n[1]
	case 3:
		first, step, last = n[0], n[1], n[2]
	default:
		return errors.New("usage: seq [FIRST [STEP]] LAST")
	}
	if step == 0 {
		return errors.New("the step can't be 0")
	}
	for i := first; step > 0 && i <= last || step < 0 && i >= last; i += step {
		if err := say(strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

func clearScreen([]string) error {
	_, err := os.Stdout.WriteString("\x1b[H\x1b[2J\x1b[3J")
	return err
}

// followFile prints what is appended, for ever.
func followFile(r io.Reader) error {
	for {
		if _, err := io.Copy(os.Stdout, r); err != nil {
			return err
		}
		<-time.After(200 * time.Millisecond) // files don't tell when they grow
	}
}
