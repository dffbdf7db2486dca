package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/cloudmastershub/cmh/client/hub"
)

// printJSON writes v, or the chosen fields of it, or what a filter or a
// template makes of it.
func printJSON(env *Env, v any) error {
	v, err := choose(v, env.Fields)
	if err != nil {
		return err
	}
	switch {
	case env.JQ != "":
		return printJQ(env, v)
	case env.Template != "":
		return printTemplate(env, v)
	}
	return writeJSON(env, v, env.OutTTY && !env.Plain)
}

func writeJSON(env *Env, v any, indent bool) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if indent {
		enc.SetIndent("", "  ")
	}
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := env.Out.Write(escape(b.Bytes()))
	return err
}

// escape writes those characters as \u escapes which JSON allows as they are
// but which a terminal would obey: DEL, C1 controls, bidirectional overrides.
func escape(b []byte) []byte {
	return mapRunes(b, isObeyed)
}

func mapRunes(b []byte, obeyed func(rune) bool) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if obeyed(r) {
			out = fmt.Appendf(out, "\\u%04x", r)
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}

func isObeyed(r rune) bool {
	return r >= 0x7f && r <= 0x9f || r == 0x061c || r == 0x200e || r == 0x200f ||
		r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// choose keeps only fields of v, which is a struct or a slice of structs. A
// chosen field is always there, also when its zero value would be left out
// otherwise.
func choose(v any, fields []string) (any, error) {
	if fields == nil {
		return v, nil
	}
	rv := reflect.ValueOf(v)
	elem, isList := rv.Type(), rv.Kind() == reflect.Slice
	if isList {
		elem = elem.Elem()
	}
	index := jsonFields(elem)
	for _, f := range fields {
		if _, ok := index[f]; !ok {
			names := make([]string, 0, len(index))
			for n := range index {
				names = append(names, n)
			}
			slices.Sort(names)
			return nil, hub.Errorf(hub.Invalid, "Unknown field %q. The fields are: %s.", f, strings.Join(names, ", "))
		}
	}
	pick := func(rv reflect.Value) map[string]any {
		m := make(map[string]any, len(fields))
		for _, f := range fields {
			m[f] = rv.FieldByIndex(index[f]).Interface()
		}
		return m
	}
	if !isList {
		return pick(rv), nil
	}
	out := make([]map[string]any, rv.Len())
	for i := range out {
		out[i] = pick(rv.Index(i))
	}
	return out, nil
}

func jsonFields(t reflect.Type) map[string][]int {
	index := map[string][]int{}
	if t.Kind() != reflect.Struct {
		return index
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && !f.Anonymous && name != "-" {
			if name == "" {
				name = f.Name
			}
			index[name] = f.Index
		}
	}
	return index
}

// generic turns v into what JSON decodes to, for filters and templates.
func generic(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var g any
	return g, json.Unmarshal(b, &g)
}

func printJQ(env *Env, v any) error {
	q, err := gojq.Parse(env.JQ)
	if err != nil {
		return hub.Errorf(hub.Invalid, "The --jq expression is not right: %v.", err)
	}
	code, err := gojq.Compile(q)
	if err != nil {
		return hub.Errorf(hub.Invalid, "The --jq expression is not right: %v.", err)
	}
	g, err := generic(v)
	if err != nil {
		return err
	}
	for it := code.Run(g); ; {
		v, ok := it.Next()
		if !ok {
			return nil
		}
		switch v := v.(type) {
		case error:
			return hub.Errorf(hub.Invalid, "The --jq expression failed: %v.", v)
		case string: // bare, so that a script can use it as it stands
			if _, err := fmt.Fprintln(env.Out, Clean(v)); err != nil {
				return err
			}
		default:
			if err := writeJSON(env, v, false); err != nil {
				return err
			}
		}
	}
}

func printTemplate(env *Env, v any) error {
	t, err := template.New("--template").Funcs(template.FuncMap{
		"join": func(sep string, list []any) string {
			words := make([]string, len(list))
			for i, w := range list {
				words[i] = fmt.Sprint(w)
			}
			return strings.Join(words, sep)
		},
		"json": func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
	}).Parse(env.Template)
	if err != nil {
		return hub.Errorf(hub.Invalid, "The --template is not right: %v.", err)
	}
	g, err := generic(v)
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := t.Execute(&b, g); err != nil {
		return hub.Errorf(hub.Invalid, "The --template failed: %v.", err)
	}
	_, err = fmt.Fprintln(env.Out, strings.TrimSuffix(Clean(b.String()), "\n"))
	return err
}
