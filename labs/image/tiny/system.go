package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

func basename(args []string) error {
	name, err := oneOf(args)
	if err != nil {
		return err
	}
	name = filepath.Base(name)
	if len(args) > 1 && name != args[1] {
		name = strings.TrimSuffix(name, args[1])
	}
	return say(name)
}

func dirname(args []string) error {
	name, err := oneOf(args)
	if err != nil {
		return err
	}
	return say(filepath.Dir(name))
}

func realpath(args []string) error {
	name, err := oneOf(args)
	if err != nil {
		return err
	}
	if name, err = filepath.Abs(name); err != nil {
		return err
	}
	if name, err = filepath.EvalSymlinks(name); err != nil {
		return err
	}
	return say(name)
}

func readlink(args []string) error {
	opts, args, err := options(args, "fen", "")
	if err != nil {
		return err
	}
	if has(opts, 'f') || has(opts, 'e') {
		return realpath(args)
	}
	name, err := oneOf(args)
	if err != nil {
		return err
	}
	to, err := os.Readlink(name)
	if err != nil {
		return status(1)
	}
	return say(to)
}

func ln(args []string) error {
	opts, args, err := options(args, "sfnv", "")
	if err != nil {
		return err
	}
	if len(args) == 1 {
		args = append(args, ".")
	}
	if len(args) < 2 {
		return errors.New("usage: ln [-sf] TARGET [NAME]")
	}
	to := args[len(args)-1]
	for _, target := range args[:len(args)-1] {
		name := to
		if st, err := os.Stat(to); err == nil && st.IsDir() && !has(opts, 'n') {
			name = filepath.Join(to, filepath.Base(target))
		}
		if has(opts, 'f') {
			_ = os.Remove(name)
		}
		link := os.Link
		if has(opts, 's') {
			link = os.Symlink
		}
		if err := link(target, name); err != nil {
			return err
		}
	}
	return nil
}

func rmdir(args []string) error {
	opts, args, err := options(args, "p", "")
	if err != nil {
		return err
	}
	for _, dir := range args {
		for ; dir != "." && dir != "/"; dir = filepath.Dir(dir) {
			if err := unix.Rmdir(dir); err != nil {
				return &fs.PathError{Op: "rmdir", Path: dir, Err: err}
			}
			if !has(opts, 'p') {
				break
			}
		}
	}
	return nil
}

func chown(args []string) error {
	opts, args, err := options(args, "Rhv", "")
	if err != nil {
		return err
	}
	if len(args) < 2 {
		return errors.New("usage: chown [-R] USER[:GROUP] FILES")
	}
	who, group, grouped := strings.Cut(args[0], ":")
	uid, gid := -1, -1
	if who != "" {
		if uid, err = lookup(who, func(n string) (string, error) {
			u, err := user.Lookup(n)
			return field(u, err, func() string { return u.Uid })
		}); err != nil {
			return err
		}
	}
	if grouped && group != "" {
		if gid, err = lookup(group, func(n string) (string, error) {
			g, err := user.LookupGroup(n)
			return field(g, err, func() string { return g.Gid })
		}); err != nil {
			return err
		}
	}
	for _, name := range args[1:] {
		err := filepath.WalkDir(name, func(p string, _ fs.DirEntry, err error) error {
			if err == nil {
				err = os.Lchown(p, uid, gid)
			}
			if err == nil && !has(opts, 'R') {
				return fs.SkipAll
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func field[T any](_ *T, err error, get func() string) (string, error) {
	if err != nil {
		return "", err
	}
	return get(), nil
}

func lookup(name string, find func(string) (string, error)) (int, error) {
	if n, err := strconv.Atoi(name); err == nil {
		return n, nil
	}
	text, err := find(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

func sha256sum(args []string) error {
	return each("sha256sum", args, func(name string, r io.Reader) error {
		h := sha256.New()
		if _, err := io.Copy(h, r); err != nil {
			return err
		}
		return say(fmt.Sprintf("%x  %s", h.Sum(nil), name))
	})
}

// stat prints what -c asks for, of the letters that scripts use.
func stat(args []string) error {
	opts, args, err := options(args, "L", "c")
	if err != nil {
		return err
	}
	format, given := opts['c']
	if !given {
		format = "%n: %s bytes, %a (%A), %U:%G"
	}
	for _, name := range args {
		st, err := os.Lstat(name)
		if has(opts, 'L') {
			st, err = os.Stat(name)
		}
		if err != nil {
			return err
		}
		sys, ok := st.Sys().(*syscall.Stat_t)
		if !ok {
			return errors.New("this file system doesn't say")
		}
		uid, gid := strconv.Itoa(int(sys.Uid)), strconv.Itoa(int(sys.Gid))
		owner, group := uid, gid
		if u, err := user.LookupId(uid); err == nil {
			owner = u.Username
		}
		if g, err := user.LookupGroupId(gid); err == nil {
			group = g.Name
		}
		err = say(strings.NewReplacer("%n", name, "%s", strconv.FormatInt(st.Size(), 10), "%a", strconv.FormatUint(uint64(sys.Mode&0o7777), 8),
			"%A", st.Mode().String(), "%u", uid, "%g", gid, "%U", owner, "%G", group, "%i", strconv.FormatUint(sys.Ino, 10),
			"%Y", strconv.FormatInt(st.ModTime().Unix(), 10), "%%", "%").Replace(format))
		if err != nil {
			return err
		}
	}
	return nil
}

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
