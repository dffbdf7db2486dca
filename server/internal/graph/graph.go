// Package graph is the GraphQL door into app: the schema of docs/schema.graphql,
// whose fields each call one rule on behalf of an Actor. It bounds what a request
// may ask for, and asks the table of access for each field, as the REST door does
// for each operation. How requests arrive and errors are worded is left to
// httpapi.
package graph

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// Request is what is sent: one operation, or a document of several and which of
// them. Extensions is for what clients add; nothing here reads it.
type Request struct {
	Query         string          `json:"query"`
	OperationName *Name           `json:"operationName"`
	Variables     *Variables      `json:"variables"`
	Extensions    *map[string]any `json:"extensions"`
}

// A Name is one of an operation. Clients send null for none.
type Name string

// UnmarshalJSON reads a string or null.
func (n *Name) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*string)(n)) }

// Variables are a request's. Numbers stay as they were written.
type Variables map[string]any

// UnmarshalJSON reads an object.
func (v *Variables) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode((*map[string]any)(v))
}

// An Operation is a request that can work as it is written.
type Operation struct {
	doc  *ast.QueryDocument
	op   *ast.OperationDefinition
	vars map[string]any

	asks []access.Operation // its fields' rows in the table
	// Roots is how many fields of Query or Mutation it asks for: each is what a
	// request would be elsewhere.
	Roots int

	schemaCost int // of its questions about the schema
}

// Mutates reports whether it may change anything.
func (o *Operation) Mutates() bool { return o.op.Operation == ast.Mutation }

// schema is what is offered: all of the document's, and answers in one piece.
var schema = whole(parsedSchema)

func whole(s *ast.Schema) *ast.Schema {
	delete(s.Directives, "defer")
	return s
}

// Prepare reads a request. Introspection says whether it may ask for the schema.
// Its error is an Errors.
func Prepare(ctx context.Context, r Request, introspection bool) (*Operation, error) {
	if len(r.Query) > maxQuery {
		return nil, refused(gqlerror.Errorf("The query is longer than %d bytes: send what is long in variables.", maxQuery))
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: r.Query}, maxTokens)
	if err != nil {
		return nil, refused(gqlerror.WrapIfUnwrapped(err))
	}
	if errs := bounds(doc, introspection); errs != nil {
		return nil, Errors(errs)
	}
	valid := rules.NewDefaultRules()
	if !introspection { // or its hints would tell
		valid.ReplaceRule(rules.FieldsOnCorrectTypeRule.Name, rules.FieldsOnCorrectTypeRuleWithoutSuggestions.RuleFunc)
		valid.ReplaceRule(rules.ScalarLeafsRule.Name, rules.ScalarLeafsRuleWithoutSuggestions.RuleFunc)
		valid.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
		valid.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
		valid.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	}
	if errs := validator.ValidateWithRules(schema, doc, valid); len(errs) > 0 {
		return nil, refused(errs...)
	}
	o := &Operation{doc: doc}
	if o.op, err = chosen(doc, (*string)(r.OperationName)); err != nil {
		return nil, err
	}
	var given Variables
	if r.Variables != nil {
		given = *r.Variables
	}
	if o.vars, err = validator.VariableValues(schema, o.op, given); err != nil {
		return nil, refused(unfit(err))
	}
	o.walk()
	cost := complexity.Calculate(ctx, NewExecutableSchema(Config{Complexity: costs}), o.op, o.vars) + o.schemaCost
	if cost > maxCost {
		return nil, refused(gqlerror.Errorf("This costs %d, and may cost %d: ask for fewer things, or for less of each.", cost, maxCost))
	}
	if o.Roots > maxRoots {
		return nil, refused(gqlerror.Errorf("This asks for %d fields of %s, and may ask for %d: send several requests.", o.Roots, o.op.Operation, maxRoots))
	}
	return o, nil
}

func chosen(doc *ast.QueryDocument, name *string) (*ast.OperationDefinition, error) {
	switch op := doc.Operations.ForName(value(name)); {
	case op != nil:
		return op, nil
	case value(name) == "":
		return nil, refused(gqlerror.Errorf("There are several operations: say with operationName which to do."))
	default:
		return nil, refused(gqlerror.Errorf("There is no operation %q.", short(*name)))
	}
}

// walk collects what the operation asks for.
func (o *Operation) walk() {
	seen := map[string]bool{}
	var fields func(ast.SelectionSet, bool)
	fields = func(set ast.SelectionSet, root bool) {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				switch {
				case s.Name == "__schema" || s.Name == "__type":
					o.Roots++
					o.schemaCost = min(o.schemaCost+costOfSchema(ast.SelectionSet{s}), 100*maxCost)
					continue
				case strings.HasPrefix(s.Name, "__"):
					continue
				}
				if root {
					o.Roots++
				}
				if name := s.ObjectDefinition.Name + "." + s.Name; !seen[name] {
					seen[name] = true
					if op, ok := access.Of(name); ok || root {
						op.Name = name // without a row it answers nobody
						o.asks = append(o.asks, op)
					}
				}
				fields(s.SelectionSet, false)
			case *ast.InlineFragment:
				fields(s.SelectionSet, root)
			case *ast.FragmentSpread:
				fields(s.Definition.SelectionSet, root)
			}
		}
	}
	fields(o.op.SelectionSet, true)
}

// An Answer is what is sent back.
type Answer struct {
	Errors []Error         `json:"errors,omitempty"`
	Data   json.RawMessage `json:"data,omitempty"`
}

// Explain words an error for the caller, as the other doors do.
type Explain func(error) (message string, extensions map[string]any)

// Run does the operation, with the actor's rights.
func (o *Operation) Run(ctx context.Context, as app.Actor, explain Explain) Answer {
	no := map[string]error{}
	for _, op := range o.asks {
		if err := as.May(op); err != nil {
			no[op.Name] = err
		}
	}
	running := make(chan struct{}, maxAtOnce)
	es := NewExecutableSchema(Config{Resolvers: resolver{&reader{as: as}}})
	ctx = graphql.WithOperationContext(ctx, &graphql.OperationContext{
		Doc: o.doc, Operation: o.op, OperationName: o.op.Name, Variables: o.vars,
		RecoverFunc: func(_ context.Context, p any) error {
			return &fault{fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		},
		ResolverMiddleware: func(ctx context.Context, next graphql.Resolver) (any, error) {
			f := graphql.GetFieldContext(ctx)
			if len(no) > 0 {
				if err := no[f.Object+"."+f.Field.Name]; err != nil {
					return nil, &fault{err}
				}
			}
			v, err := next(ctx)
			if err != nil {
				return nil, &fault{err}
			}
			return v, nil
		},
		RootResolverMiddleware: func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
			running <- struct{}{}
			defer func() { <-running }()
			return next(ctx)
		},
	})
	p := presenter{explain: explain}
	ctx = graphql.WithResponseContext(ctx, p.present, graphql.GetOperationContext(ctx).RecoverFunc)
	data := es.Exec(ctx)(ctx).Data
	a := Answer{Data: data}
	for _, e := range graphql.GetErrors(ctx) {
		if len(a.Errors) == maxErrors {
			break
		}
		a.Errors = append(a.Errors, Error{e.Message, e.Locations, e.Path, e.Extensions})
	}
	slices.SortStableFunc(a.Errors, func(a, b Error) int { return cmp.Compare(a.Path.String(), b.Path.String()) })
	return a
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
