// Package format executes text templates over decoded JSON: maps, lists,
// strings, numbers, true, false and null. The language is text/template's, and
// so is its parser. Its evaluator isn't: it looks methods up by name, and a
// program that can do so keeps every method of everything it links. That is
// 2.4 MB of cmh, for data that has no methods.
package format

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/template/parse"
)

// Template is a parsed template.
type Template struct {
	name  string
	trees map[string]*parse.Tree
}

// Parse parses text, which errors call name.
func Parse(name, text string) (*Template, error) {
	known := map[string]any{}
	for f := range functions {
		known[f] = true
	}
	known["and"], known["or"] = true, true
	trees, err := parse.Parse(name, text, "", "", known)
	if err != nil {
		return nil, err
	}
	return &Template{name, trees}, nil
}

// Execute writes the template's text for data.
func (t *Template) Execute(w io.Writer, data any) error {
	s := &state{trees: t.trees, w: w, vars: []variable{{"$", data}}}
	tree := t.trees[t.name]
	if tree == nil {
		return nil // nothing but definitions
	}
	return s.walk(data, tree.Root)
}

type variable struct {
	name  string
	value any
}

type state struct {
	trees map[string]*parse.Tree
	w     io.Writer
	vars  []variable
	depth int // of templates that call templates
}

const maxDepth = 1000

var errBreak, errContinue = errors.New("break"), errors.New("continue")

func (s *state) walk(dot any, node parse.Node) error {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, child := range n.Nodes {
			if err := s.walk(dot, child); err != nil {
				return err
			}
		}
	case *parse.TextNode:
		_, err := s.w.Write(n.Text)
		return err
	case *parse.ActionNode:
		v, err := s.pipe(dot, n.Pipe)
		if err != nil || len(n.Pipe.Decl) > 0 {
			return err
		}
		_, err = fmt.Fprint(s.w, shown(v))
		return err
	case *parse.IfNode:
		return s.branch(dot, &n.BranchNode, false)
	case *parse.WithNode:
		return s.branch(dot, &n.BranchNode, true)
	case *parse.RangeNode:
		return s.loop(dot, n)
	case *parse.TemplateNode:
		return s.call(dot, n)
	case *parse.BreakNode:
		return errBreak
	case *parse.ContinueNode:
		return errContinue
	}
	return nil
}

// shown is how null and what isn't there look.
func shown(v any) any {
	if v == nil {
		return "<no value>"
	}
	return v
}

func (s *state) branch(dot any, n *parse.BranchNode, with bool) error {
	mark := len(s.vars)
	defer func() { s.vars = s.vars[:mark] }()
	v, err := s.pipe(dot, n.Pipe)
	switch {
	case err != nil:
		return err
	case !truth(v):
		return s.walk(dot, n.ElseList)
	case with:
		dot = v
	}
	return s.walk(dot, n.List)
}

func (s *state) loop(dot any, n *parse.RangeNode) error {
	mark := len(s.vars)
	defer func() { s.vars = s.vars[:mark] }()
	v, err := s.pipe(dot, n.Pipe)
	if err != nil {
		return err
	}
	mark = min(mark+len(n.Pipe.Decl), len(s.vars))
	round := func(key, value any) error {
		switch d := n.Pipe.Decl; {
		case len(d) == 1:
			s.assign(d[0].Ident[0], value, n.Pipe.IsAssign)
		case len(d) == 2:
			s.assign(d[0].Ident[0], key, n.Pipe.IsAssign)
			s.assign(d[1].Ident[0], value, n.Pipe.IsAssign)
		}
		err := s.walk(value, n.List)
		s.vars = s.vars[:mark]
		if errors.Is(err, errContinue) {
			return nil
		}
		return err
	}
	rounds := 0
	switch v := v.(type) {
	case []any:
		for rounds < len(v) && err == nil {
			err = round(rounds, v[rounds])
			rounds++
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if err = round(k, v[k]); err != nil {
				break
			}
		}
		rounds = len(v)
	case nil:
	default:
		count, ok := whole(v)
		if !ok {
			return fmt.Errorf("range can't iterate over %v", v)
		}
		for rounds < count && err == nil {
			err = round(rounds, rounds)
			rounds++
		}
	}
	if errors.Is(err, errBreak) {
		return nil
	}
	if err == nil && rounds == 0 {
		return s.walk(dot, n.ElseList)
	}
	return err
}

func (s *state) call(dot any, n *parse.TemplateNode) error {
	tree := s.trees[n.Name]
	switch {
	case tree == nil:
		return fmt.Errorf("template %q is not defined", n.Name)
	case s.depth >= maxDepth:
		return errors.New("templates call each other without end")
	}
	var with any
	if n.Pipe != nil {
		var err error
		if with, err = s.pipe(dot, n.Pipe); err != nil {
			return err
		}
	}
	inner := &state{trees: s.trees, w: s.w, vars: []variable{{"$", with}}, depth: s.depth + 1}
	return inner.walk(with, tree.Root)
}

// pipe evaluates commands, each with the value of the one before as its last
// argument. A loop's variables get their first value here, and one each round.
func (s *state) pipe(dot any, p *parse.PipeNode) (v any, err error) {
	for i, c := range p.Cmds {
		var last []any
		if i > 0 {
			last = []any{v}
		}
		if v, err = s.command(dot, c, last); err != nil {
			return nil, err
		}
	}
	for _, d := range p.Decl {
		s.assign(d.Ident[0], v, p.IsAssign)
	}
	return v, nil
}

func (s *state) assign(name string, v any, exists bool) {
	if exists {
		for i := len(s.vars) - 1; i >= 0; i-- {
			if s.vars[i].name == name {
				s.vars[i].value = v
				return
			}
		}
	}
	// A round of a loop writes what the pipe declared, innermost first.
	s.vars = append(s.vars, variable{name, v})
}

func (s *state) command(dot any, c *parse.CommandNode, last []any) (any, error) {
	if id, ok := c.Args[0].(*parse.IdentifierNode); ok {
		return s.function(dot, id.Ident, c.Args[1:], last)
	}
	if len(c.Args) > 1 || last != nil {
		return nil, fmt.Errorf("%s is no function", c.Args[0])
	}
	return s.value(dot, c.Args[0])
}

func (s *state) function(dot any, name string, args []parse.Node, last []any) (any, error) {
	if name == "and" || name == "or" { // these look no further than they have to
		var v any
		for _, a := range args {
			var err error
			if v, err = s.value(dot, a); err != nil || truth(v) == (name == "or") {
				return v, err
			}
		}
		if last != nil {
			v = last[0]
		} else if len(args) == 0 {
			return nil, fmt.Errorf("%s needs an argument", name)
		}
		return v, nil
	}
	all := make([]any, 0, len(args)+1)
	for _, a := range args {
		v, err := s.value(dot, a)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	if all = append(all, last...); len(all) < needs[name] {
		return nil, fmt.Errorf("%s: %d arguments are too few", name, len(all))
	}
	v, err := functions[name](all)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

func (s *state) value(dot any, node parse.Node) (any, error) {
	switch n := node.(type) {
	case *parse.DotNode:
		return dot, nil
	case *parse.NilNode:
		return nil, errors.New("nil is not a command")
	case *parse.FieldNode:
		return fields(dot, n.Ident)
	case *parse.VariableNode:
		for i := len(s.vars) - 1; i >= 0; i-- {
			if s.vars[i].name == n.Ident[0] {
				return fields(s.vars[i].value, n.Ident[1:])
			}
		}
		return nil, fmt.Errorf("undefined variable %s", n.Ident[0])
	case *parse.ChainNode:
		v, err := s.value(dot, n.Node)
		if err != nil {
			return nil, err
		}
		return fields(v, n.Field)
	case *parse.PipeNode:
		return s.pipe(dot, n)
	case *parse.IdentifierNode:
		return s.function(dot, n.Ident, nil, nil)
	case *parse.BoolNode:
		return n.True, nil
	case *parse.StringNode:
		return n.Text, nil
	case *parse.NumberNode:
		if n.IsInt {
			return int(n.Int64), nil
		}
		return n.Float64, nil
	}
	return nil, fmt.Errorf("%s can't be evaluated", node)
}

func fields(v any, names []string) (any, error) {
	for _, name := range names {
		switch m := v.(type) {
		case map[string]any:
			v = m[name]
		case nil:
			return nil, nil //nolint:nilnil // what isn't there has no fields, and is nothing
		default:
			return nil, fmt.Errorf("can't look for .%s in %s", name, strings.TrimSpace(fmt.Sprintf("%.40v", v)))
		}
	}
	return v, nil
}

func truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	case int:
		return v != 0
	case float64:
		return v != 0
	}
	return true
}
