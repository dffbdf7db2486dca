package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Args demands one word for each name, and allows one more for each name in
// brackets, such as "[REF]".
//
// Each command has one: written out in all of them it would be a good part of cmh.
//
//go:noinline
func Args(names ...string) cobra.PositionalArgs {
	need := 0
	for _, n := range names {
		if !strings.HasPrefix(n, "[") {
			need++
		}
	}
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < need {
			return hub.Errorf(hub.Invalid, "%s is missing. Usage: %s", names[len(args)], cmd.UseLine())
		}
		if len(args) > len(names) {
			if f := cmd.Flag("json"); f != nil && f.Value.String() == allFields {
				return hub.Errorf(hub.Invalid, "%q is one word too many. Fields are chosen with --json=FIELD,FIELD.", args[len(names)])
			}
			return hub.Errorf(hub.Invalid, "%q is one word too many.", args[len(names)])
		}
		return nil
	}
}

// Group returns a command that only holds others.
func Group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Annotations: map[string]string{helps: "only"},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknown(cmd, args[0])
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(subs...)
	return cmd
}

func unknown(cmd *cobra.Command, word string) error {
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(word); len(s) > 0 {
		return hub.Errorf(hub.Invalid, "Unknown command %q for %q. Did you mean %s?", word, cmd.CommandPath(), strings.Join(s, " or "))
	}
	return hub.Errorf(hub.Invalid, "Unknown command %q for %q.", word, cmd.CommandPath())
}

// allFields is what a bare --json stands for.
const allFields = "*"

// addGlobals gives root the flags that every command has.
func addGlobals(root *cobra.Command, env *Env) {
	f := root.PersistentFlags()
	if f.Lookup("json") != nil {
		return
	}
	f.Var(&jsonFlag{env}, "json", "print JSON, all of it or only these `FIELDS`")
	f.Lookup("json").NoOptDefVal = allFields
	if !env.Shared || env.Bounded { // programs of the caller's
		f.Var(&impliesJSON{env, &env.JQ}, "jq", "filter the JSON with a jq `EXPR`")
		f.Var(&impliesJSON{env, &env.Template}, "template", "format the JSON with a Go `TEMPLATE`")
	}
	f.BoolVar(&env.Plain, "plain", env.Plain, "tab separated, no header, no colour")
	f.BoolVar(&env.NoInput, "no-input", env.NoInput, "never ask for anything")
	f.BoolVarP(&env.Yes, "yes", "y", env.Yes, "answer yes to every question")
	f.BoolVarP(&env.Quiet, "quiet", "q", env.Quiet, "print results only")
	f.StringVar(&env.Server, "server", env.Server, "use the hub at `URL`")
	if !env.Shared { // what the machine's owner has set
		f.StringVar(&env.Profile, "profile", env.Profile, "the hub and sign-in of profile `NAME`")
	}
	f.Var(&oneOf{&env.Color, "when", []string{"auto", "always", "never"}}, "color", "use colour `WHEN`: auto, always, never")
	f.Var(&oneOf{&env.Look, "ground", []string{"auto", "light", "dark"}}, "theme", "draw screens for a `KIND` of terminal: auto, light, dark")
	f.BoolVar(&env.Lines, "accessible", env.Lines, "lines of text instead of screens and tables")
	if !env.Shared { // who is inside of the hub has it
		f.BoolVar(&env.Away, "offline", env.Away, "don't ask the hub: what is kept on this machine")
	}
	f.SortFlags = false
}

type jsonFlag struct{ env *Env }

func (j *jsonFlag) Set(s string) error {
	j.env.JSON = true
	if s != allFields {
		j.env.Fields = strings.Split(s, ",")
	}
	return nil
}
func (j *jsonFlag) Type() string { return "fields" }
func (j *jsonFlag) String() string {
	switch {
	case j == nil || j.env == nil || !j.env.JSON:
		return ""
	case j.env.Fields == nil:
		return allFields
	}
	return strings.Join(j.env.Fields, ",")
}

type impliesJSON struct {
	env *Env
	to  *string
}

func (v *impliesJSON) Set(s string) error { *v.to, v.env.JSON = s, true; return nil }
func (v *impliesJSON) Type() string       { return "string" }
func (v *impliesJSON) String() string {
	if v == nil || v.to == nil {
		return ""
	}
	return *v.to
}

// oneOf takes one of a few words; kinds says of its kind what it takes.
type oneOf struct {
	to   *string
	kind string
	of   []string
}

func (o *oneOf) Set(s string) error {
	if !slices.Contains(o.of, s) {
		return fmt.Errorf("it takes %s", strings.Join(o.of, ", "))
	}
	*o.to = s
	return nil
}
func (o *oneOf) Type() string { return o.kind }
func (o *oneOf) String() string {
	if o == nil || o.to == nil {
		return ""
	}
	return *o.to
}

var _ = []pflag.Value{(*jsonFlag)(nil), (*impliesJSON)(nil), (*oneOf)(nil)}
