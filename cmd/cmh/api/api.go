// Package api is `cmh api`: any request of the contract, for what has no command
// of its own and for scripts that want the API itself. Who asks, and whom, is
// decided elsewhere: the request goes to the hub of the settings, with the
// sign-in that all commands have.
package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

const (
	maxBody  = 64 << 20 // what an import may be
	maxPages = 100
	graphQL  = "/v1/graphql"
)

// Asker is a hub that is asked in the words of its contract.
type Asker interface {
	Raw(ctx context.Context, r client.Request) (client.Answer, error)
}

type options struct {
	method   string
	fields   []field
	input    string
	headers  []string
	include  bool
	paginate bool
	pages    int
}

// Command returns the api command.
func Command(env *cli.Env, open func() (Asker, error)) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "api PATH",
		Short: "Ask the hub's API, signed in as you are",
		Long: "Ask the hub's API, signed in as you are. PATH is one of the contract's, which cmh api openapi.json prints: what begins with no slash is " +
			"below /v1. It is never another address: your token goes to your hub alone.\n\n" +
			"The method is GET, or POST once there is something to send. -f sends a text and -F a number, true, false, null, or with @FILE what is in a file; " +
			"NAME[] makes a list and NAME[NAME] an object. With GET, and beside --input, they become the query. " +
			"A command line is read by everybody on the machine: what is secret goes through --input - or -F NAME=@-.\n\n" +
			"JSON is printed so that a terminal obeys none of it, anything else as it came, or on a terminal as text. " +
			"A refusal is printed as well, and the exit status says its kind: cmh help exit-codes.",
		Example: "  cmh api users/profile\n" +
			"  cmh api courses -f provider=aws --paginate --jq '.[].slug'\n" +
			"  cmh api -X PUT users/profile -f 'profile[display_name]=Ada L.'\n" +
			"  cmh api labs/log-triage/start -X POST -i\n" +
			"  cmh api graphql -f query='{ me { username } }' --jq .data.me",
		Args:              cli.Args("PATH"),
		ValidArgsFunction: paths(&o),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := open()
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), env, h, args[0])
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.method, "method", "X", "", "ask with this `METHOD`")
	f.VarP(&fieldFlag{&o.fields, false}, "raw-field", "f", "send the text `NAME=TEXT`")
	f.VarP(&fieldFlag{&o.fields, true}, "field", "F", "send `NAME=VALUE`: a number, true, false, null, @FILE, text")
	f.StringVar(&o.input, "input", "", "send what is in `FILE`, or in standard input: -")
	f.StringArrayVarP(&o.headers, "header", "H", nil, "send the header `NAME:VALUE`")
	f.BoolVarP(&o.include, "include", "i", false, "print the status and the headers, too")
	f.BoolVar(&o.paginate, "paginate", false, "ask for all pages of a list, and print one")
	f.IntVar(&o.pages, "max-pages", maxPages, "with --paginate, at most `N` of them")
	f.SortFlags = false
	return cmd
}

func (o options) run(ctx context.Context, env *cli.Env, h Asker, path string) error {
	r, err := o.request(ctx, env, path)
	if err != nil {
		return err
	}
	if o.paginate {
		return o.all(ctx, env, h, r)
	}
	a, err := h.Raw(ctx, r)
	if err != nil {
		return o.refused(env, a, err)
	}
	if err := o.print(env, a); err != nil {
		return err
	}
	if isGraph(r.Path) {
		return a.GraphError()
	}
	return nil
}

// request is what the command line asks for.
func (o options) request(ctx context.Context, env *cli.Env, path string) (client.Request, error) {
	r := client.Request{Method: strings.ToUpper(o.method), Path: where(path), Header: http.Header{}}
	for _, h := range o.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return r, hub.Errorf(hub.Invalid, "-H takes NAME:VALUE, and %q has no colon.", h)
		}
		r.Header.Add(name, strings.TrimSpace(value))
	}
	if r.Method == "" {
		r.Method = http.MethodGet
		if o.input != "" || o.fields != nil {
			r.Method = http.MethodPost
		}
	}
	var err error
	if o.input != "" {
		if r.Body, err = content(env, o.input); err != nil {
			return r, err
		}
	}
	fields, err := resolved(env, o.fields)
	if err != nil || fields == nil {
		return r, err
	}
	if o.input != "" || r.Method == http.MethodGet || r.Method == http.MethodHead {
		r.Path = query(r.Path, fields)
		return r, nil
	}
	body, err := object(fields)
	if err != nil {
		return r, err
	}
	if isGraph(r.Path) {
		body = question(body)
	}
	r.Body, err = json.Marshal(body)
	return r, err
}

func isGraph(path string) bool {
	path, _, _ = strings.Cut(path, "?")
	return strings.TrimPrefix(path, "/api") == graphQL
}

// where is path from the hub's address on. Shells of Windows make folders of
// words that begin with a slash, so none is needed.
func where(path string) string {
	for _, known := range []string{"/", "v1/", "api/v1/"} {
		if strings.HasPrefix(path, known) {
			return "/" + strings.TrimPrefix(path, "/")
		}
	}
	if strings.Contains(path, "://") {
		return path // an address, which is refused
	}
	return "/v1/" + path
}

// query adds fields to a path.
func query(path string, fields []named) string {
	path, before, _ := strings.Cut(path, "?")
	q, err := url.ParseQuery(before)
	if err != nil {
		q = url.Values{}
	}
	for _, f := range fields {
		q.Add(f.name, f.text())
	}
	return path + "?" + q.Encode()
}

// question puts the fields of a GraphQL request where that has them: what is none
// of its own is a variable.
func question(body map[string]any) map[string]any {
	out, vars := map[string]any{}, map[string]any{}
	for name, v := range body {
		switch name {
		case "query", "operationName", "variables":
			out[name] = v
		default:
			vars[name] = v
		}
	}
	if _, given := out["variables"]; !given && len(vars) > 0 {
		out["variables"] = vars
	}
	return out
}

// content reads what is to be sent.
func content(env *cli.Env, file string) ([]byte, error) {
	in := env.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, hub.Wrap(err, hub.Invalid, "%s can't be read.", file)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxBody+1))
	switch {
	case err != nil:
		return nil, hub.Wrap(err, hub.Invalid, "%s can't be read.", file)
	case len(b) > maxBody:
		return nil, hub.Errorf(hub.Invalid, "%s is more than %d MiB, which nothing here takes.", file, maxBody>>20)
	}
	return b, nil
}

// all asks for all pages of a list, as one.
func (o options) all(ctx context.Context, env *cli.Env, h Asker, r client.Request) error {
	switch {
	case r.Method != http.MethodGet:
		return hub.Errorf(hub.Invalid, "--paginate is for GET. Fields that make it a POST stay a query with -X GET.")
	case o.include:
		return hub.Errorf(hub.Invalid, "Many pages have many headers: -i and --paginate don't go together.")
	case o.pages < 1:
		return hub.Errorf(hub.Invalid, "--max-pages must be at least 1.")
	}
	items := []json.RawMessage{}
	for page := 1; ; page++ {
		a, err := h.Raw(ctx, r)
		if err != nil {
			return o.refused(env, a, err)
		}
		var more []json.RawMessage
		if !isJSON(a) || json.Unmarshal(a.Body, &more) != nil {
			return hub.Errorf(hub.Invalid, "--paginate is for lists, and this is none.")
		}
		items = append(items, more...)
		next := a.Next()
		// A page with nothing on it is the last one, whatever it says of a next.
		if next == "" || len(more) == 0 {
			return printList(env, items)
		}
		if page >= o.pages {
			if err := printList(env, items); err != nil {
				return err
			}
			return hub.Errorf(hub.Conflict, "There is more behind page %d: see --max-pages.", page)
		}
		path, before, _ := strings.Cut(r.Path, "?")
		q, err := url.ParseQuery(before)
		if err != nil {
			return hub.Errorf(hub.Invalid, "%q is no query.", before)
		}
		q.Set("cursor", next)
		r.Path = path + "?" + q.Encode()
	}
}

func printList(env *cli.Env, items []json.RawMessage) error {
	b, err := json.Marshal(items)
	if err != nil {
		return err
	}
	return printJSON(env, b)
}
