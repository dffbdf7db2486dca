package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

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
