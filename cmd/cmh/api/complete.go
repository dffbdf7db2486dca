package api

import (
	"bytes"
	"compress/gzip"
	_ "embed" // for the contract
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// contract is what the hub that this cmh is of can be asked: a line an operation,
// "PATH METHOD SUMMARY", by path. A test holds it to docs/openapi.yaml; make golden
// writes it.
//
//go:embed contract.gz
var contract []byte

// paths completes PATH. Nobody is asked: whoever has pressed a key waits, and a hub
// may be far away, or gone.
func paths(o *options) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const how = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		if len(args) > 0 {
			return nil, how
		}
		return offered(operations(), begun, strings.ToLower(o.method)), how
	}
}

func operations() string {
	r, err := gzip.NewReader(bytes.NewReader(contract))
	if err != nil {
		return ""
	}
	b, _ := io.ReadAll(r)
	return string(b)
}

// offered are the paths that go on from what was begun, up to their next parameter,
// in the form in which it was begun.
func offered(operations, begun, method string) []cobra.Completion {
	var all []cobra.Completion
	last := ""
	for line := range strings.Lines(operations) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		verb, summary, _ := strings.Cut(rest, " ")
		if method != "" && verb != method {
			continue
		}
		if !strings.HasPrefix(begun, "/") {
			short, below := strings.CutPrefix(path, "/v1/")
			if !below {
				continue
			}
			path = short
			if strings.HasPrefix(begun, "v1/") {
				path = "v1/" + short
			}
		}
		if path = filled(path, begun); path != "" && path != last {
			all = append(all, cobra.CompletionWithDesc(path, summary))
			last = path
		}
	}
	return all
}

// filled is path with what was begun in the places of its parameters, or "" where
// that doesn't begin it. A parameter that comes next stays, in braces, to be
// written over.
func filled(path, begun string) string {
	have, want := strings.Split(begun, "/"), strings.Split(path, "/")
	if len(have) > len(want) {
		return ""
	}
	for i, part := range have {
		last := i == len(have)-1
		switch {
		case strings.HasPrefix(want[i], "{"):
			if part != "" {
				want[i] = part
			} else if !last {
				return ""
			}
		case last && !strings.HasPrefix(want[i], part), !last && want[i] != part:
			return ""
		}
	}
	return strings.Join(want, "/")
}
