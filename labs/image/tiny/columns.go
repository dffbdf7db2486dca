package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
)

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
