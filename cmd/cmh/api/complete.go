package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// completeFor is how long somebody waits for what the tab key brings.
const completeFor = time.Second

// paths completes PATH from the contract of the hub, as it is there for everybody:
// a key that is pressed renews no sign-in. Without a hub nothing is said.
func paths(open func() (Asker, error), o *options) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const how = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		h, err := open()
		if err != nil || len(args) > 0 {
			return nil, how
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeFor)
		defer cancel()
		a, err := h.Raw(ctx, client.Request{Method: http.MethodGet, Path: "/v1/openapi.json"})
		if err != nil {
			return nil, how
		}
		return offered(a.Body, begun, strings.ToLower(o.method)), how
	}
}

// offered are the paths of a contract that go on from what was begun, up to their
// next parameter, in the form in which it was begun.
func offered(contract []byte, begun, method string) []cobra.Completion {
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if json.Unmarshal(contract, &doc) != nil {
		return nil
	}
	var all []cobra.Completion
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		ops := doc.Paths[path]
		if !plain(path) {
			continue
		}
		if method != "" && ops[method] == nil {
			continue
		}
		var op struct {
			Summary string `json:"summary"`
		}
		for _, verb := range []string{method, "get", "post", "put", "delete"} {
			if op.Summary == "" && ops[verb] != nil {
				_ = json.Unmarshal(ops[verb], &op) // one without a summary has none
			}
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
		if path = filled(path, begun); path != "" {
			all = append(all, cobra.CompletionWithDesc(cli.CleanLine(path), cli.CleanLine(op.Summary)))
		}
	}
	return slices.CompactFunc(all, func(a, b cobra.Completion) bool { return firstOf(a) == firstOf(b) })
}

// plain reports whether a shell puts path on the command line as a word: there is
// nothing in it to run.
func plain(path string) bool {
	return !strings.ContainsFunc(path, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._/{}-", r)
	})
}

func firstOf(c cobra.Completion) string {
	word, _, _ := strings.Cut(c, "\t")
	return word
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
