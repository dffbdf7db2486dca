package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const maxLine = 64 << 20

// each calls do with every file, or with standard input when none is named.
// What can't be read is said, and the others go on.
func each(as string, names []string, do func(name string, r io.Reader) error) error {
	if len(names) == 0 {
		names = []string{"-"}
	}
	var failed error
	for _, name := range names {
		err := func() error {
			if name == "-" {
				return do(name, os.Stdin)
			}
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			return do(name, f)
		}()
		var s status
		if err != nil && !errors.As(err, &s) {
			fmt.Fprintf(os.Stderr, "%s: %v\n", as, err)
			err = status(1)
		}
		if err != nil {
			failed = err
		}
	}
	return failed
}

func lines(r io.Reader) *bufio.Scanner {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxLine)
	return sc
}

// out is standard output, flushed when the tool ends.
func out(do func(w *bufio.Writer) error) error {
	w := bufio.NewWriter(os.Stdout)
	return errors.Join(do(w), w.Flush())
}

// basic turns a basic regular expression into an extended one: there a
// backslash gives ( ) { } | + ? their meaning, and here it takes it.
func basic(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\' && i+1 < len(p):
			i++
			if strings.IndexByte("(){}|+?", p[i]) < 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(p[i])
		case strings.IndexByte("(){}|+?", c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func grep(args []string) error {
	opts, args, err := options(args, "ivcnqlrREFGowxhHs", "em")
	if err != nil {
		return err
	}
	pattern, given := opts['e']
	if !given {
		if len(args) == 0 {
			fmt.Fprintln(os.Stderr, "usage: grep [-ivcnqlrEFowxh] PATTERN [FILE...]")
			return status(2)
		}
		pattern, args = args[0], args[1:]
	}
	switch {
	case has(opts, 'F'):
		pattern = regexp.QuoteMeta(pattern)
	case !has(opts, 'E'):
		pattern = basic(pattern)
	}
	if has(opts, 'w') {
		pattern = `\b(?:` + pattern + `)\b`
	}
	if has(opts, 'x') {
		pattern = `^(?:` + pattern + `)$`
	}
	if has(opts, 'i') {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		fmt.Fprintln(os.Stderr, "grep:", err)
		return status(2)
	}
	if has(opts, 'r') || has(opts, 'R') {
		if args, err = below(args); err != nil {
			return err
		}
	}
	limit := -1
	if m, ok := opts['m']; ok {
		if limit, err = strconv.Atoi(m); err != nil {
			return err
		}
	}
	named := (len(args) > 1 || has(opts, 'r') || has(opts, 'R') || has(opts, 'H')) && !has(opts, 'h')
	found := false
	err = out(func(w *bufio.Writer) error {
		return each("grep", args, func(name string, r io.Reader) error {
			prefix := ""
			if named {
				prefix = name + ":"
			}
			n, count := 0, 0
			for sc := lines(r); sc.Scan() && count != limit; {
				n++
				if re.Match(sc.Bytes()) == has(opts, 'v') {
					continue
				}
				count++
				found = true
				if has(opts, 'q') || has(opts, 'l') || has(opts, 'c') {
					continue
				}
				at := prefix
				if has(opts, 'n') {
					at += strconv.Itoa(n) + ":"
				}
				if !has(opts, 'o') {
					fmt.Fprintf(w, "%s%s\n", at, sc.Bytes())
					continue
				}
				for _, m := range re.FindAll(sc.Bytes(), -1) {
					fmt.Fprintf(w, "%s%s\n", at, m)
				}
			}
			switch {
			case has(opts, 'q'):
			case has(opts, 'l') && count > 0:
				fmt.Fprintln(w, name)
			case has(opts, 'c') && !has(opts, 'l'):
				fmt.Fprintf(w, "%s%d\n", prefix, count)
			}
			return nil
		})
	})
	switch {
	case found && has(opts, 'q'):
		return nil
	case err != nil:
		return status(2)
	case !found:
		return status(1)
	}
	return nil
}

// below are the files below the named folders.
func below(args []string) ([]string, error) {
	if len(args) == 0 {
		args = []string{"."}
	}
	var files []string
	for _, arg := range args {
		err := filepath.WalkDir(arg, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, p)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func wc(args []string) error {
	opts, names, err := options(args, "lwcm", "")
	if err != nil {
		return err
	}
	if len(opts) == 0 {
		opts = map[byte]string{'l': "", 'w': "", 'c': ""}
	}
	total := [3]int{}
	show := func(n [3]int, name string) {
		var f []string
		for i, c := range []byte{'l', 'w', 'c'} {
			if has(opts, c) || c == 'c' && has(opts, 'm') {
				f = append(f, strconv.Itoa(n[i]))
			}
		}
		if name != "-" {
			f = append(f, name)
		}
		fmt.Fprintln(os.Stdout, strings.Join(f, " "))
	}
	err = each("wc", names, func(name string, r io.Reader) error {
		raw, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		n := [3]int{strings.Count(string(raw), "\n"), len(strings.Fields(string(raw))), len(raw)}
		for i := range n {
			total[i] += n[i]
		}
		show(n, name)
		return nil
	})
	if len(names) > 1 {
		show(total, "total")
	}
	return err
}

func tee(args []string) error {
	opts, names, err := options(args, "ai", "")
	if err != nil {
		return err
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if has(opts, 'a') {
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	to := []io.Writer{os.Stdout}
	for _, name := range names {
		f, err := os.OpenFile(name, flags, 0o666)
		if err != nil {
			return err
		}
		defer f.Close()
		to = append(to, f)
	}
	_, err = io.Copy(io.MultiWriter(to...), os.Stdin)
	return err
}
