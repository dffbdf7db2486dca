package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

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
