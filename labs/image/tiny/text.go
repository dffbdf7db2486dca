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
	"slices"
	"sort"
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

// count reads the number of head and tail: -n 5, -5, or 10.
func count(args []string) (n int, bytes bool, plus bool, follow bool, rest []string, err error) {
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0][1] >= '0' && args[0][1] <= '9' {
		args = append([]string{"-n", args[0][1:]}, args[1:]...)
	}
	opts, rest, err := options(args, "fqv", "nc")
	if err != nil {
		return 0, false, false, false, nil, err
	}
	text, n := opts['n'], 10
	if c, ok := opts['c']; ok {
		text, bytes = c, true
	}
	if text != "" {
		plus = strings.HasPrefix(text, "+")
		n, err = strconv.Atoi(strings.TrimLeft(text, "+-"))
	}
	return n, bytes, plus, has(opts, 'f'), rest, err
}

func head(args []string) error {
	n, bytes, _, _, names, err := count(args)
	if err != nil {
		return err
	}
	return out(func(w *bufio.Writer) error {
		return each("head", names, func(name string, r io.Reader) error {
			if len(names) > 1 {
				fmt.Fprintf(w, "==> %s <==\n", name)
			}
			if bytes {
				_, err := io.CopyN(w, r, int64(n))
				if errors.Is(err, io.EOF) {
					err = nil
				}
				return err
			}
			in := bufio.NewReader(r)
			for range n {
				line, err := in.ReadBytes('\n')
				_, _ = w.Write(line)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func tail(args []string) error {
	n, bytes, plus, follow, names, err := count(args)
	if err != nil {
		return err
	}
	return each("tail", names, func(name string, r io.Reader) error {
		if len(names) > 1 {
			fmt.Fprintf(os.Stdout, "==> %s <==\n", name)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		cut := 0
		switch {
		case bytes:
			cut = max(0, len(raw)-n)
		case plus:
			for at := 0; at < n-1 && cut < len(raw); at++ {
				cut = nextLine(raw, cut)
			}
		default:
			starts := []int{0}
			for at := nextLine(raw, 0); at < len(raw); at = nextLine(raw, at) {
				starts = append(starts, at)
			}
			if cut = len(raw); n > 0 {
				cut = starts[max(0, len(starts)-n)]
			}
		}
		if _, err := os.Stdout.Write(raw[cut:]); err != nil || !follow {
			return err
		}
		return followFile(r)
	})
}

func nextLine(raw []byte, at int) int {
	for at < len(raw) {
		at++
		if raw[at-1] == '\n' {
			break
		}
	}
	return at
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

func readLines(as string, names []string) (all []string, err error) {
	err = each(as, names, func(_ string, r io.Reader) error {
		sc := lines(r)
		for sc.Scan() {
			all = append(all, sc.Text())
		}
		return sc.Err()
	})
	return all, err
}

func sortLines(args []string) error {
	opts, names, err := options(args, "rnuf", "kt")
	if err != nil {
		return err
	}
	all, err := readLines("sort", names)
	if err != nil {
		return err
	}
	key := func(line string) string {
		k, _, _ := strings.Cut(opts['k'], ",")
		n, err := strconv.Atoi(strings.TrimRight(k, "nr"))
		if err == nil && n > 0 {
			f := strings.Fields(line)
			if sep, ok := opts['t']; ok {
				f = strings.Split(line, sep)
			}
			if n > len(f) {
				return ""
			}
			line = strings.Join(f[n-1:], " ")
		}
		if has(opts, 'f') {
			line = strings.ToLower(line)
		}
		return line
	}
	number := func(s string) float64 {
		s = strings.TrimSpace(s)
		end := 0
		for end < len(s) && strings.IndexByte("-.0123456789", s[end]) >= 0 {
			end++
		}
		n, _ := strconv.ParseFloat(s[:end], 64)
		return n
	}
	numeric := has(opts, 'n') || strings.Contains(opts['k'], "n")
	sort.SliceStable(all, func(i, j int) bool {
		a, b := key(all[i]), key(all[j])
		if numeric && number(a) != number(b) {
			return number(a) < number(b)
		}
		if a != b {
			return a < b
		}
		return all[i] < all[j]
	})
	if has(opts, 'r') || strings.Contains(opts['k'], "r") {
		slices.Reverse(all)
	}
	if has(opts, 'u') {
		all = slices.Compact(all)
	}
	return out(func(w *bufio.Writer) error {
		for _, line := range all {
			fmt.Fprintln(w, line)
		}
		return nil
	})
}

func uniq(args []string) error {
	opts, names, err := options(args, "cdu", "")
	if err != nil {
		return err
	}
	all, err := readLines("uniq", names)
	if err != nil {
		return err
	}
	return out(func(w *bufio.Writer) error {
		for i := 0; i < len(all); {
			n := 1
			for i+n < len(all) && all[i+n] == all[i] {
				n++
			}
			switch {
			case has(opts, 'd') && n == 1, has(opts, 'u') && n > 1:
			case has(opts, 'c'):
				fmt.Fprintf(w, "%7d %s\n", n, all[i])
			default:
				fmt.Fprintln(w, all[i])
			}
			i += n
		}
		return nil
	})
}

// ranges reads "1,3-5,7-".
func ranges(list string) (func(n int) bool, error) {
	type span struct{ from, to int }
	var spans []span
	for part := range strings.SplitSeq(list, ",") {
		a, b, is := strings.Cut(part, "-")
		s := span{1, 1 << 30}
		var err error
		if a != "" {
			if s.from, err = strconv.Atoi(a); err != nil {
				return nil, err
			}
		}
		if !is {
			b = a
		}
		if b != "" {
			if s.to, err = strconv.Atoi(b); err != nil {
				return nil, err
			}
		}
		spans = append(spans, s)
	}
	return func(n int) bool {
		return slices.ContainsFunc(spans, func(s span) bool { return n >= s.from && n <= s.to })
	}, nil
}

func cut(args []string) error {
	opts, names, err := options(args, "s", "dfcb")
	if err != nil {
		return err
	}
	list, fields := opts['f'], has(opts, 'f')
	for _, c := range []byte{'c', 'b'} {
		if has(opts, c) {
			list = opts[c]
		}
	}
	in, err := ranges(list)
	if err != nil || list == "" {
		return errors.New("say which: -f LIST or -c LIST")
	}
	sep := "\t"
	if d := opts['d']; d != "" {
		sep = d
	}
	return out(func(w *bufio.Writer) error {
		return each("cut", names, func(_ string, r io.Reader) error {
			for sc := lines(r); sc.Scan(); {
				parts, join := strings.Split(sc.Text(), ""), ""
				if fields {
					if parts, join = strings.Split(sc.Text(), sep), sep; len(parts) == 1 {
						if !has(opts, 's') {
							fmt.Fprintln(w, sc.Text())
						}
						continue
					}
				}
				var kept []string
				for i, p := range parts {
					if in(i + 1) {
						kept = append(kept, p)
					}
				}
				fmt.Fprintln(w, strings.Join(kept, join))
			}
			return nil
		})
	})
}

// set spells out "a-z", the classes of POSIX that are used, and escapes.
func set(s string) []rune {
	s = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`, "[:upper:]", "A-Z", "[:lower:]", "a-z", "[:digit:]", "0-9", "[:space:]", " \t\n\r",
		"[:alpha:]", "A-Za-z", "[:alnum:]", "A-Za-z0-9").Replace(s)
	in, all := []rune(s), []rune{}
	for i := 0; i < len(in); i++ {
		if i+2 < len(in) && in[i+1] == '-' && in[i] <= in[i+2] {
			for c := in[i]; c <= in[i+2]; c++ {
				all = append(all, c)
			}
			i += 2
			continue
		}
		all = append(all, in[i])
	}
	return all
}

func tr(args []string) error {
	opts, args, err := options(args, "dsc", "")
	if err != nil {
		return err
	}
	if len(args) == 0 || len(args) == 1 && !has(opts, 'd') && !has(opts, 's') {
		return errors.New("usage: tr [-ds] SET1 [SET2]")
	}
	from, to := set(args[0]), []rune{}
	if len(args) > 1 {
		to = set(args[1])
	}
	in := bufio.NewReader(os.Stdin)
	return out(func(w *bufio.Writer) error {
		last := rune(-1)
		for {
			c, _, err := in.ReadRune()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			at := slices.Index(from, c)
			if has(opts, 'c') {
				at = map[bool]int{true: len(from), false: -1}[at < 0]
			}
			if at >= 0 && has(opts, 'd') {
				continue
			}
			if at >= 0 && len(to) > 0 {
				c = to[min(at, len(to)-1)]
			}
			if has(opts, 's') && c == last && (at >= 0 || slices.Contains(to, c)) {
				continue
			}
			last = c
			if _, err := w.WriteRune(c); err != nil {
				return err
			}
		}
	})
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
