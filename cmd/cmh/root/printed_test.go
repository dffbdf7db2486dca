package root_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/docs"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
)

// silent are the commands that print no JSON of ours: they only do something, or
// what they print is somebody else's.
var silent = []string{
	"cmh", "help", "man", "completion", "api", "ssh-config", "config set", "config unset", "config profiles remove",
	"auth logout", "auth token", "auth token revoke", "auth device approve", "auth device deny", "auth sessions revoke",
	"auth password", "auth forgot-password", "auth reset-password", "auth verify",
	"key remove", "course leave", "admin labs stop",
	"lab attach", "lab ssh", "lab cp", "lab forget", "lab replay", "lab recordings export", "lab recordings delete",
}

// printing are the commands that print JSON, each with as many words as it takes,
// and the fields of it.
func printing(t *testing.T) map[string][]string {
	t.Helper()
	env := &cli.Env{}
	all := map[string][]string{}
	root := tree(env)
	for name, cmd := range cli.Guarded(root) {
		if fields := env.FieldsOf(cmd); fields != nil {
			all[name] = fields
		}
	}
	if len(all) < 60 {
		t.Fatalf("only %d commands print JSON", len(all))
	}
	return all
}

// words are a command's, with the fewest arguments that it takes.
func wordsOf(t *testing.T, name string) []string {
	t.Helper()
	for _, words := range leaves(tree(&cli.Env{})) {
		if strings.Join(words, " ") == name || strings.HasPrefix(strings.Join(words, " "), name+" x") {
			return words
		}
	}
	t.Fatalf("no words for %q", name)
	return nil
}

// Every command that shows something has the same four ways to say how, and its help
// says of which fields; the others are known by name.
func TestEveryCommandPrintsJSON(t *testing.T) {
	t.Parallel()
	fields := printing(t)
	for name := range cli.Guarded(tree(&cli.Env{})) {
		if (fields[name] != nil) == slices.Contains(silent, name) {
			t.Errorf("%q prints %q; add what it prints to printed.go, or it to those that print no JSON", name, fields[name])
		}
	}
	for name, fields := range fields {
		text := help(t, strings.Fields(name))
		for _, want := range []string{"--json[=FIELDS]", "--jq EXPR", "--template TEMPLATE", "--plain ", "\nJSON fields:\n  " + fields[0]} {
			if !strings.Contains(text, want) {
				t.Errorf("%s --help has no %q", name, want)
			}
		}
	}
}

// The fields are told, and wrong ones refused, before anybody is asked.
func TestFieldsAreToldBeforehand(t *testing.T) {
	t.Parallel()
	for name, fields := range printing(t) {
		for flag, want := range map[string]string{
			"--json=": "The fields are: " + strings.Join(fields, ", ") + ".", "--json=" + fields[0] + ",nope": `Unknown field "nope". The fields are: ` + strings.Join(fields, ", ") + ".",
		} {
			var out, errOut bytes.Buffer
			env := &cli.Env{In: strings.NewReader(""), Out: &out, Err: &errOut}
			env.Backend = func() (cli.Backend, error) {
				t.Errorf("%s: the hub was asked", name)
				return nil, errors.New("no hub")
			}
			exit := cli.Run(t.Context(), tree(env), env, append(wordsOf(t, name), flag))
			var problem struct{ Detail string }
			if err := json.Unmarshal(errOut.Bytes(), &problem); err != nil || exit != cli.ExitUsage || out.Len() > 0 || problem.Detail != want {
				t.Errorf("%s %s: exit %d, %q, %q", name, flag, exit, out.String(), errOut.String())
			}
		}
	}
}

// What a command prints has the fields that it tells of, and all of them can be had.
func TestPrintedFieldsAreThoseTold(t *testing.T) {
	t.Parallel()
	router, err := described()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(impostor{router, "x", false})
	t.Cleanup(srv.Close)
	worked := 0
	for name, fields := range printing(t) {
		switch name {
		case "auth login", "auth register", "auth status", "lab watch", "lab wait", "lab port-forward", "sync", "doctor", "config list", "config get", "config profiles":
			continue // have no hub to ask, or go on to SSH
		}
		for _, flag := range []string{"--json", "--json=" + strings.Join(fields, ",")} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // some wait for what never comes
			var out, errOut bytes.Buffer
			env := &cli.Env{
				In: strings.NewReader("{}"), Out: &out, Err: &errOut, Pages: draw.Outline,
				Backend: func() (cli.Backend, error) { return client.New(srv.URL), nil },
			}
			exit := cli.Run(ctx, tree(env), env, append(wordsOf(t, name), flag, "--yes"))
			cancel()
			if strings.Contains(errOut.String(), "Unknown field") {
				t.Errorf("%s: %s", name, errOut.String())
			}
			for _, got := range objects(out.Bytes()) {
				for field := range got {
					if !slices.Contains(fields, field) {
						t.Errorf("%s prints the field %q, which it doesn't tell of", name, field)
					}
				}
				if flag != "--json" && len(got) != len(fields) {
					t.Errorf("%s prints %d of %d fields", name, len(got), len(fields))
				}
				worked++
			}
			_ = exit // not what is looked at here
		}
	}
	if worked < 60 {
		t.Errorf("only %d objects were printed", worked)
	}
}

// objects are those in JSON, alone, one after the other, or in lists.
func objects(b []byte) (all []map[string]json.RawMessage) {
	for d := json.NewDecoder(bytes.NewReader(b)); ; {
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return all
		}
		var list []map[string]json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			list = make([]map[string]json.RawMessage, 1)
			_ = json.Unmarshal(raw, &list[0]) // what is no object has no fields
		}
		all = append(all, list...)
	}
}

// docs/openapi.yaml describes each document that the hub has, by the same name and
// with the same fields, and docs/cli.md those that only cmh has.
func TestPrintedFieldsAreDocumented(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(docs.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	env := &cli.Env{}
	seen := map[reflect.Type]bool{}
	for name, cmd := range cli.Guarded(tree(env)) {
		of := env.Prints(name)
		if of == nil || seen[of] {
			continue
		}
		seen[of] = true
		fields := env.FieldsOf(cmd)
		if !strings.HasSuffix(of.PkgPath(), "client/hub") {
			if list := "`{" + strings.Join(quoted(of), ", ") + "}`"; !strings.Contains(string(text), list) {
				t.Errorf("docs/cli.md has no %s, which %q prints", list, name)
			}
			continue
		}
		schema := doc.Components.Schemas[of.Name()]
		if schema == nil {
			t.Errorf("docs/openapi.yaml describes no %s, which %q prints", of.Name(), name)
			continue
		}
		if of.Name() == "CreatedAPIKey" { // nobody has used a new one
			fields = slices.DeleteFunc(fields, func(f string) bool { return f == "last_used_at" })
		}
		described := properties(schema)
		slices.Sort(described)
		if !slices.Equal(described, fields) {
			t.Errorf("%s: docs/openapi.yaml describes %q, and %q prints %q", of.Name(), described, name, fields)
		}
	}
}

func properties(ref *openapi3.SchemaRef) (all []string) {
	for _, of := range ref.Value.AllOf {
		all = append(all, properties(of)...)
	}
	for name := range ref.Value.Properties {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

func quoted(of reflect.Type) (all []string) {
	for _, f := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			all = append(all, `"`+name+`"`)
		}
	}
	return all
}

// The tab key brings the fields of the command that is being typed, one after the
// other.
func TestFieldsAreCompleted(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"course list --json=t":         "thumbnail title :6",
		"course list --json=id,ti":     "id,title :6",
		"config list --json=name,":     "name,origin name,value :6",
		"config list --json=name,name": " :6",
		"auth logout --json=":          " :6",
	} {
		var out bytes.Buffer
		env := &cli.Env{In: strings.NewReader(""), Out: &out, Err: io.Discard}
		root := tree(env)
		exit := cli.Run(t.Context(), root, env, append([]string{cobra.ShellCompNoDescRequestCmd}, strings.Fields(line)...))
		if got := strings.ReplaceAll(strings.TrimSpace(out.String()), "\n", " "); exit != 0 || strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s: exit %d, %q, want %q", line, exit, got, want)
		}
	}
}
