package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// print shows an answer that is none of refusal.
func (o options) print(env *cli.Env, a client.Answer) error {
	if err := o.head(env, a); err != nil {
		return err
	}
	switch {
	case len(a.Body) == 0:
		return nil
	case isJSON(a):
		return printJSON(env, a.Body)
	case env.JSON:
		return hub.Errorf(hub.Invalid, "The answer is %q and no JSON, so there is nothing to choose from.", a.Header.Get("Content-Type"))
	}
	return written(env, a.Body)
}

// refused shows what an answer with an error says, where there is one. Filters are
// for what was asked for.
func (o options) refused(env *cli.Env, a client.Answer, err error) error {
	if a.Status == 0 {
		return err
	}
	_ = o.head(env, a) // the error counts, not a reader that is gone
	if isJSON(a) {
		_ = cli.WriteJSON(env.Out, json.RawMessage(a.Body), env.OutTTY && !env.Plain)
	} else if len(a.Body) > 0 {
		_ = written(env, a.Body)
	}
	return err
}

// head shows the status and the headers, for -i.
func (o options) head(env *cli.Env, a client.Answer) error {
	if !o.include {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d %s\n", cli.CleanLine(a.Proto), a.Status, http.StatusText(a.Status))
	for _, name := range slices.Sorted(maps.Keys(a.Header)) {
		for _, v := range a.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", cli.CleanLine(name), cli.CleanLine(v))
		}
	}
	_, err := io.WriteString(env.Out, b.String()+"\n")
	return err
}

// written writes what isn't JSON: bytes, or on a terminal the text in them.
func written(env *cli.Env, body []byte) error {
	if !env.OutTTY {
		_, err := env.Out.Write(body)
		return err
	}
	text := cli.Clean(string(body))
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	_, err := io.WriteString(env.Out, text)
	return err
}

func isJSON(a client.Answer) bool {
	kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json")) && json.Valid(a.Body)
}

// printJSON prints JSON, or what the caller wants of it.
func printJSON(env *cli.Env, body json.RawMessage) error {
	var failed error
	err := cli.Print(env, body, func(w io.Writer) { failed = cli.WriteJSON(w, body, env.OutTTY && !env.Plain) })
	return cmp.Or(err, failed)
}
