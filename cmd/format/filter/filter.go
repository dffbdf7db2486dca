// Package filter puts JSON into the form that a caller of cmh asks for, by a jq
// expression or a Go template. Both are programs of the caller's and may work
// without end: the process that runs them must be the caller's own.
package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/itchyny/gojq"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/safe"
)

// Kind is the language of an expression, by the name of its flag.
type Kind string

// The kinds there are.
const (
	JQ       Kind = "jq"
	Template Kind = "template"
)

// Run reads JSON values until in ends, and writes each as expr has it. What it
// writes is safe on a terminal, whatever the values hold.
func Run(kind Kind, expr string, in io.Reader, out io.Writer) error {
	show, err := compile(kind, expr)
	if err != nil {
		return err
	}
	values := json.NewDecoder(in)
	values.UseNumber() // as they were written, however many digits
	for {
		var v any
		switch err := values.Decode(&v); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := show(v, out); err != nil {
			return err
		}
	}
}

type shower func(v any, out io.Writer) error

func compile(kind Kind, expr string) (shower, error) {
	switch kind {
	case JQ:
		return compileJQ(expr)
	case Template:
		return compileTemplate(expr)
	}
	return nil, hub.Errorf(hub.Invalid, "There is no expression of the kind %q.", string(kind))
}

func compileJQ(expr string) (shower, error) {
	q, err := gojq.Parse(expr)
	if err != nil {
		return nil, hub.Errorf(hub.Invalid, "The --jq expression is not right: %s.", err)
	}
	code, err := gojq.Compile(q)
	if err != nil {
		return nil, hub.Errorf(hub.Invalid, "The --jq expression is not right: %s.", err)
	}
	return func(v any, out io.Writer) error {
		for it := code.Run(v); ; {
			v, ok := it.Next()
			if !ok {
				return nil
			}
			switch v := v.(type) {
			case error:
				return hub.Errorf(hub.Invalid, "The --jq expression failed: %s.", v)
			case string: // bare, so that a script can use it as it stands
				if _, err := fmt.Fprintln(out, safe.Text(v)); err != nil {
					return err
				}
			default:
				b, err := encode(v)
				if err != nil {
					return err
				}
				if _, err := out.Write(b); err != nil {
					return err
				}
			}
		}
	}, nil
}

func compileTemplate(expr string) (shower, error) {
	t, err := template.New("--template").Funcs(template.FuncMap{
		"join": func(sep string, list []any) string {
			words := make([]string, len(list))
			for i, w := range list {
				words[i] = fmt.Sprint(w)
			}
			return strings.Join(words, sep)
		},
		"json": func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
	}).Parse(expr)
	if err != nil {
		return nil, hub.Errorf(hub.Invalid, "The --template is not right: %s.", err)
	}
	return func(v any, out io.Writer) error {
		var b strings.Builder
		if err := t.Execute(&b, v); err != nil {
			return hub.Errorf(hub.Invalid, "The --template failed: %s.", err)
		}
		_, err := fmt.Fprintln(out, strings.TrimSuffix(safe.Text(b.String()), "\n"))
		return err
	}, nil
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return safe.JSON(b.Bytes()), err
}
