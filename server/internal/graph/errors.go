package graph

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Error is one error of an answer.
type Error struct {
	Message    string              `json:"message"`
	Locations  []gqlerror.Location `json:"locations,omitempty"`
	Path       ast.Path            `json:"path,omitempty"`
	Extensions map[string]any      `json:"extensions"`
}

// Errors are why a request cannot work as written.
type Errors []*gqlerror.Error

func (e Errors) Error() string { return gqlerror.List(e).Error() }

// maxErrors is how many errors are told: the first shows what is wrong.
const maxErrors = 20

func refused(errs ...*gqlerror.Error) error { return Errors(errs) }

// Answer tells of them.
func (e Errors) Answer(explain Explain) Answer {
	var a Answer
	for _, one := range e[:min(len(e), maxErrors)] {
		message, extensions := explain(&hub.Error{Code: hub.Invalid, Message: sentence(one.Message)})
		a.Errors = append(a.Errors, Error{Message: message, Locations: places(one.Locations), Extensions: extensions})
	}
	return a
}

// places are those that are known.
func places(all []gqlerror.Location) (known []gqlerror.Location) {
	for _, l := range all {
		if l.Line > 0 && l.Column > 0 {
			known = append(known, l)
		}
	}
	return known
}

// unfit is what is wrong with a variable. Its path is none of the answer.
func unfit(err error) *gqlerror.Error {
	e := gqlerror.WrapIfUnwrapped(err)
	at := strings.TrimPrefix(e.Path.String(), "variable.")
	return &gqlerror.Error{Message: fmt.Sprintf("The variable %s: %s.", at, e.Message), Locations: e.Locations}
}

// fault is an error of a rule, or of ours. All others are the caller's: a value
// that does not fit.
type fault struct{ err error }

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// A presenter words the errors of one answer.
type presenter struct {
	explain Explain
	told    atomic.Int32
}

func (p *presenter) present(ctx context.Context, err error) *gqlerror.Error {
	e := &gqlerror.Error{Path: graphql.GetPath(ctx)}
	if known, ok := errors.AsType[*gqlerror.Error](err); ok {
		e.Path, e.Locations = known.Path, known.Locations
		e.Message = known.Message
	}
	if p.told.Add(1) > maxErrors { // it will be left out
		return e
	}
	var cause error = &hub.Error{Code: hub.Invalid, Message: sentence(e.Message)}
	if f, ok := errors.AsType[*fault](err); ok {
		cause = f.err
	} else if errors.Is(err, graphql.ErrInvalidNull) {
		cause = err
	}
	e.Message, e.Extensions = p.explain(cause)
	return e
}

// sentence is a message of the parser's as people write one.
func sentence(s string) string {
	s = short(strings.TrimSpace(s))
	if s == "" {
		return "This cannot be read."
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "?") {
		s += "."
	}
	return s
}

// short bounds what is repeated of a request.
func short(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
