package root_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/docs"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
)

// payloads are texts that mean something to a terminal, to whoever reads it, or
// to what renders Markdown.
var payloads = []string{
	"hello \x1b]52;c;cm0gLXJmIH4K\x07 world",          // the clipboard
	"hello \x1b]0;pwned\x07 world",                    // the title
	"hello \x1b[2J\x1b[H world",                       // the screen
	"hello \x1b[6n\x1bP$qm\x1b\\ world",               // answers that are typed
	"user\u202enimda\u2066a\u2069",                    // the other direction
	"\x1b]8;;file:///etc/passwd\x07https://docs.good", // a link elsewhere
	"```\nls \x1b]52;c;AAAA\x07\n```",                 // in a block of code
	"[https://good.example](javascript:alert\\(1\\))", // a link that runs
	"`\x1b[8mred`",                                     // hidden text
	"<script>alert(1)</script>&#27;[2J",                // HTML, and an entity
	"![x](http://169.254.169.254/latest/meta-data)",    // a picture elsewhere
	"rm -rf /\b\b\b\bls\rok",                           // overwritten
	"hi\U000E0041\U000E0042",                           // tags
	"a\u200bb\u2060c\u009b2Jd\u0085e\x7ff\x1b(0\x0eg",  // nothing to see, and eight bits
	"a\x1b[?1000h\x1b[>31u\x1b_Gf=100;AAAA\x1b\\\x1bc", // modes, keys, pictures, a reset
}

// style is the oracle, apart from the filter: what may be in an output beside text.
var style = regexp.MustCompile(`\x1b\[[0-9;:]*m|\x1b\]8;[A-Za-z0-9=:_.-]*;(?i:https?)://[!-~]+\x1b\\|\x1b\]8;;\x1b\\`)

func obeyed(out string) bool {
	return strings.ContainsFunc(style.ReplaceAllString(out, ""), func(r rune) bool {
		return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0x61c || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 ||
			r == 0x200b || r == 0x2060 || r == 0xfeff || r >= 0xe0000 && r <= 0xe0fff
	})
}

// impostor answers as the contract says, with one text in every place for a text;
// or refuses everything, in that text.
type impostor struct {
	router  routers.Router
	text    string
	refuses bool
}

var described = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(docs.OpenAPI)
	if err != nil {
		return nil, err
	}
	doc.Servers = nil
	return gorillamux.NewRouter(doc)
})

func (i impostor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	if i.refuses {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		field := map[string]string{"pointer": i.text, "detail": i.text}
		_ = json.NewEncoder(w).Encode(map[string]any{"code": "conflict", "detail": i.text, "request_id": i.text, "title": i.text, "errors": []any{field}})
		return
	}
	route, _, err := i.router.FindRoute(r)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	for status, answer := range route.Operation.Responses.Map() {
		if status[0] != '2' || answer.Value.Content.Get("application/json") == nil {
			continue
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(map[string]int{"200": 200, "201": 201, "202": 202}[status])
		_ = json.NewEncoder(w).Encode(i.value(answer.Value.Content.Get("application/json").Schema, 0))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (i impostor) value(ref *openapi3.SchemaRef, depth int) any {
	if ref == nil || depth > 7 {
		return nil
	}
	s := ref.Value
	switch {
	case len(s.AllOf) > 0:
		all := map[string]any{}
		for _, of := range s.AllOf {
			fields, _ := i.value(of, depth+1).(map[string]any)
			for name, v := range fields {
				all[name] = v
			}
		}
		return all
	case len(s.OneOf) > 0:
		return i.value(s.OneOf[0], depth+1)
	case s.Type.Is("string") && s.Format == "date-time":
		return "2026-03-01T10:00:00Z"
	case s.Type.Is("string") && slices.Contains(s.Enum, any("ready")): // or commands wait until it is
		return "ready"
	case s.Type.Is("string") && len(s.Enum) > 0:
		return s.Enum[0]
	case s.Type.Is("string"):
		return i.text
	case s.Type.Is("boolean"):
		return true
	case s.Type.Is("integer"), s.Type.Is("number"):
		return 1
	case s.Type.Is("array"):
		return []any{i.value(s.Items, depth+1)}
	}
	all := map[string]any{}
	for name, of := range s.Properties {
		all[name] = i.value(of, depth+1)
	}
	if of := s.AdditionalProperties.Schema; of != nil {
		all[i.text] = i.value(of, depth+1)
	}
	return all
}

// leaves are the commands that do something, each with as many words as it takes.
func leaves(root *cobra.Command) (all [][]string) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		if !c.Runnable() {
			return
		}
		for n := range 4 {
			args := slices.Repeat([]string{"x"}, n)
			if c.Args == nil || c.Args(c, args) == nil {
				all = append(all, append(strings.Fields(c.CommandPath())[1:], args...))
			}
		}
	}
	walk(root)
	return all
}

// Whatever the server writes into whatever field, no command shows a terminal
// anything but text, style and links to the web: piped, on a terminal, as JSON,
// in colour, and when it fails.
func TestNoCommandShowsWhatATerminalObeys(t *testing.T) {
	t.Parallel()
	router, err := described()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	worked := map[string]bool{}
	for n, text := range payloads {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			for _, refuses := range []bool{false, true} {
				srv := httptest.NewServer(impostor{router, text, refuses})
				defer srv.Close()
				for _, command := range leaves(tree(&cli.Env{})) {
					switch name := strings.Join(command[:min(2, len(command))], " "); name {
					case "man", "man x": // ours, and written to files
						continue
					case "auth login", "auth register", "auth logout", "auth status", "auth token", "author test", "author watch", "ssh-config", "lab watch", "lab ssh", "lab attach", "lab wait", "lab queue", "lab forward":
						continue // ask somebody, wait for something, or go on to SSH
					}
					for _, way := range [][]string{nil, {"--json"}, {"--color", "always"}, {"--accessible"}} {
						if refuses && way != nil && way[0] != "--json" {
							continue
						}
						ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // some wait for what never comes
						var out, errOut bytes.Buffer
						env := &cli.Env{
							In: strings.NewReader("{}"), Out: &out, Err: &errOut, OutTTY: way != nil, ErrTTY: way != nil, ShowCause: true, Pages: draw.Outline,
							Backend: func() (cli.Backend, error) { return client.New(srv.URL), nil },
						}
						exit := cli.Run(ctx, tree(env), env, append(append(slices.Clone(command), "--yes"), way...))
						cancel()
						if obeyed(out.String()) || obeyed(errOut.String()) {
							t.Errorf("cmh %s %v (refused: %v) of %q: exit %d, out %q, err %q", strings.Join(command, " "), way, refuses, text, exit, out.String(), errOut.String())
						}
						if exit == 0 && !refuses {
							mu.Lock()
							worked[strings.Join(command, " ")] = true
							mu.Unlock()
						}
					}
				}
			}
		})
	}
	t.Cleanup(func() {
		if len(worked) < 30 {
			t.Errorf("only %d commands came to anything: %v", len(worked), worked)
		}
	})
}

// A command line is read by everybody on the machine, so no secret has a place
// on one.
func TestNoSecretOnACommandLine(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`password|secret|token|credential|key$`)
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if c.CommandPath() == "cmh auth reset-password" && f.Name == "token" {
				return // it is asked for where it isn't given, and works once
			}
			if secret.MatchString(f.Name) && f.Value.Type() != "bool" {
				t.Errorf("%s --%s takes a %s", c.CommandPath(), f.Name, f.Value.Type())
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(tree(&cli.Env{}))
}
