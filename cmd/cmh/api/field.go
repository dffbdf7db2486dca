package api

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// field is one -f or -F.
type field struct {
	given string // NAME=VALUE
	typed bool   // -F
}

// fieldFlag collects fields of both kinds, in the order of the command line.
type fieldFlag struct {
	to    *[]field
	typed bool
}

func (f *fieldFlag) Set(s string) error { *f.to = append(*f.to, field{s, f.typed}); return nil }
func (f *fieldFlag) Type() string       { return "field" }
func (f *fieldFlag) String() string     { return "" }

// named is a field as it is sent.
type named struct {
	name  string
	value any
}

func (n named) text() string {
	if n.value == nil {
		return "null"
	}
	return fmt.Sprint(n.value)
}

// resolved reads what fields stand for.
func resolved(env *cli.Env, fields []field) ([]named, error) {
	var out []named
	for _, f := range fields {
		name, text, ok := strings.Cut(f.given, "=")
		if !ok || name == "" {
			return nil, hub.Errorf(hub.Invalid, "-f and -F take NAME=VALUE, and %q is not that.", f.given)
		}
		var value any = text
		if file, from := strings.CutPrefix(text, "@"); f.typed && from {
			b, err := content(env, file)
			if err != nil {
				return nil, err
			}
			value = string(b)
		} else if f.typed {
			value = typed(text)
		}
		out = append(out, named{name, value})
	}
	return out, nil
}

// typed is what text is in JSON, where it is a value that has no quotes there.
func typed(text string) any {
	switch text {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	if text != "" && strings.ContainsRune("-0123456789", rune(text[0])) && json.Valid([]byte(text)) {
		return json.Number(text)
	}
	return text
}

// object is the JSON object that fields make.
func object(fields []named) (map[string]any, error) {
	all := map[string]any{}
	for _, f := range fields {
		path, ok := steps(f.name)
		if !ok || put(all, path, f.value) != nil {
			return nil, hub.Errorf(hub.Invalid, "The field %q doesn't go with those before it, or is no name: NAME, NAME[] or NAME[NAME].", f.name)
		}
	}
	return all, nil
}

// steps cuts a name: "a[b][]" is a, b and, for a place in a list, "".
func steps(name string) ([]string, bool) {
	first, rest, nested := strings.Cut(name, "[")
	path := []string{first}
	for nested {
		var part string
		var closed bool
		if part, rest, closed = strings.Cut(rest, "]"); !closed || rest != "" && rest[0] != '[' {
			return nil, false
		}
		path = append(path, part)
		rest, nested = strings.CutPrefix(rest, "[")
	}
	return path, first != "" && len(path) <= 10
}

var errTaken = fmt.Errorf("taken")

// put sets what path names in an object.
func put(in map[string]any, path []string, value any) error {
	name, rest := path[0], path[1:]
	before, taken := in[name]
	switch {
	case name == "":
		return errTaken
	case len(rest) == 0 && taken:
		return errTaken
	case len(rest) == 0:
		in[name] = value
		return nil
	case rest[0] == "":
		list, ok := before.([]any)
		if taken && !ok {
			return errTaken
		}
		list, err := appended(list, rest[1:], value)
		in[name] = list
		return err
	}
	below, ok := before.(map[string]any)
	if taken && !ok {
		return errTaken
	}
	if !ok {
		below = map[string]any{}
		in[name] = below
	}
	return put(below, rest, value)
}

// appended adds to a list. An object in it is added to for as long as it lacks
// the field: a[][x]=1 a[][y]=2 a[][x]=3 are two.
func appended(list []any, path []string, value any) ([]any, error) {
	if len(path) == 0 {
		return append(list, value), nil
	}
	if len(list) > 0 {
		if last, ok := list[len(list)-1].(map[string]any); ok && put(last, path, value) == nil {
			return list, nil
		}
	}
	next := map[string]any{}
	err := put(next, path, value)
	return append(list, next), err
}
