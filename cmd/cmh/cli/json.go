package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli/pipe"
	"github.com/cloudmastershub/cmh/tui/safe"
)

// printJSON writes v, or the chosen fields of it, or what a filter or a
// template makes of it.
func printJSON(env *Env, v any) error {
	v, err := choose(v, env.Fields)
	if err != nil {
		return err
	}
	if env.JQ != "" || env.Template != "" {
		return env.form.write(env, v)
	}
	return WriteJSON(env.Out, v, env.OutTTY && !env.Plain)
}

// form is the caller's filter or template, at work for one run. Values are
// handed to it one after the other: a stream of them is formatted as it comes.
type form struct {
	start func(kind, expr string) (io.WriteCloser, error)
	to    io.WriteCloser
}

func (f *form) write(env *Env, v any) (err error) {
	if f == nil || f.start == nil {
		return hub.Errorf(hub.Invalid, "--jq and --template can't be used here.")
	}
	if f.to == nil {
		kind, expr := "jq", env.JQ
		if expr == "" {
			kind, expr = "template", env.Template
		}
		if f.to, err = f.start(kind, expr); err != nil {
			return err
		}
	}
	err = WriteJSON(f.to, v, false)
	if pipe.Left(err) || errors.Is(err, io.ErrClosedPipe) {
		return f.end() // it has ended, and knows why
	}
	return err
}

// end waits until all is written.
func (f *form) end() error {
	if f == nil || f.to == nil {
		return nil
	}
	to := f.to
	f.to = nil
	return to.Close()
}

// WriteJSON writes v with nothing in it that a terminal would act on.
func WriteJSON(w io.Writer, v any, indent bool) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if indent {
		enc.SetIndent("", "  ")
	}
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(safe.JSON(b.Bytes()))
	return err
}

// choose keeps only fields of v, which is a struct or a slice of structs. A
// chosen field is always there, also when its zero value would be left out
// otherwise.
func choose(v any, fields []string) (any, error) {
	if fields == nil {
		return v, nil
	}
	if raw, ok := v.(json.RawMessage); ok {
		return chooseOf(raw, fields)
	}
	rv := reflect.ValueOf(v)
	elem, isList := rv.Type(), rv.Kind() == reflect.Slice
	if isList {
		elem = elem.Elem()
	}
	index := jsonFields(elem)
	if err := known(slices.Collect(maps.Keys(index)), fields); err != nil {
		return nil, err
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

// FieldsOf are the fields that a command prints, sorted; nil where nobody knows.
func (e *Env) FieldsOf(cmd *cobra.Command) []string {
	if e.Prints == nil {
		return nil
	}
	t := e.Prints(pathOf(cmd))
	if t == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(jsonFields(t)))
}

// known refuses fields that aren't there. None at all, as in --json=, asks which
// there are.
func known(all, fields []string) error {
	for _, f := range fields {
		if !slices.Contains(all, f) {
			return unknownField(f, all)
		}
	}
	return nil
}

func unknownField(name string, known []string) error {
	slices.Sort(known)
	if name == "" {
		return hub.Errorf(hub.Invalid, "The fields are: %s.", strings.Join(known, ", "))
	}
	return hub.Errorf(hub.Invalid, "Unknown field %q. The fields are: %s.", name, strings.Join(known, ", "))
}

// chooseOf is choose for JSON that no type of ours describes: its fields are those
// that are in it.
func chooseOf(raw json.RawMessage, fields []string) (any, error) {
	isList := bytes.HasPrefix(bytes.TrimSpace(raw), []byte("["))
	list := make([]map[string]json.RawMessage, 1)
	var into any = &list[0]
	if isList {
		into = &list
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return nil, hub.Wrap(err, hub.Invalid, "This answer has no fields.")
	}
	known := map[string]bool{}
	for _, item := range list {
		for name := range item {
			known[name] = true
		}
	}
	out := make([]map[string]json.RawMessage, len(list))
	for i, item := range list {
		out[i] = make(map[string]json.RawMessage, len(fields))
		for _, f := range fields {
			if !known[f] {
				return nil, unknownField(f, slices.Collect(maps.Keys(known)))
			}
			out[i][f] = item[f]
		}
	}
	if !isList {
		return out[0], nil
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
