package courses

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The YAML we accept is the plain kind: maps, lists and scalars. Anchors,
// tags and merges would let a small file become a large one, or mean something
// else than it says. The bounds keep the parser, which recurses, off the end
// of its stack.
const (
	maxYAML      = 256 << 10
	maxFlowDepth = 16
	maxPerLine   = 512
)

// value is one node of a YAML file. It reports what is wrong with itself; the
// zero value, with a nil node, is something that is absent.
type value struct {
	in   *folder
	file string
	node ast.Node
	line int
	col  int
}

// yamlFile parses a file of f into a map. It reports false after reporting why
// it could not.
func (f *folder) yamlFile(name string) (fields, bool) {
	data := f.files[name]
	if len(data) > maxYAML {
		f.wrong(name, 0, 0, "is larger than %d KiB; move texts into lesson files.", maxYAML>>10)
		return fields{}, false
	}
	if !utf8.Valid(data) {
		f.wrong(name, 0, 0, "is not UTF-8; save the file as UTF-8.")
		return fields{}, false
	}
	data = bytes.ReplaceAll(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
	tokens := lexer.Tokenize(string(data))
	if !f.plain(name, tokens) {
		return fields{}, false
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			p := at.GetToken().Position
			f.wrong(name, p.Line, p.Column, "is not YAML: %s.", clean(at.GetMessage()))
		} else {
			f.wrong(name, 0, 0, "is not YAML.")
		}
		return fields{}, false
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		f.wrong(name, 0, 0, "is empty.")
		return fields{}, false
	}
	if len(file.Docs) > 1 {
		f.wrong(name, 0, 0, "holds several documents; keep one, without ---.")
		return fields{}, false
	}
	root := value{in: f, file: name, node: file.Docs[0].Body, line: 1, col: 1}
	return root.fields()
}

// plain refuses the YAML we do not accept, before anything recurses over it.
func (f *folder) plain(name string, tokens token.Tokens) bool {
	line, onLine, depth := 0, 0, 0
	for _, t := range tokens {
		p := t.Position
		if p.Line != line {
			line, onLine = p.Line, 0
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.TagType, token.MergeKeyType, token.DirectiveType, token.MappingKeyType:
			f.wrong(name, p.Line, p.Column, "uses %s, which is YAML we don't accept; write the value out, or quote it.", clean(t.Value))
			return false
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingValueType:
			onLine++
		}
		if depth > maxFlowDepth || onLine > maxPerLine {
			f.wrong(name, p.Line, p.Column, "is nested too deeply; simplify it.")
			return false
		}
	}
	return true
}

func (v value) problem(format string, args ...any) {
	v.in.wrong(v.file, v.line, v.col, format, args...)
}

// at places a child node; a node without a place of its own has its parent's.
func (v value) at(n ast.Node) value {
	child := value{v.in, v.file, n, v.line, v.col}
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		child.line, child.col = n.GetToken().Position.Line, n.GetToken().Position.Column
	}
	return child
}

func (v value) absent() bool {
	if v.node == nil {
		return true
	}
	_, null := v.node.(*ast.NullNode)
	return null
}

// scalar is the text of a single value, whatever YAML thinks its type is:
// a title may be 2026, an answer 443.
func (v value) scalar() (string, bool) {
	switch n := v.node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// line of text: a title, a name.
func (v value) text(most int) string {
	s, ok := v.scalar()
	s = strings.TrimSpace(s)
	switch {
	case v.absent():
		return ""
	case !ok:
		v.problem("must be a text.")
		return ""
	case strings.ContainsFunc(s, refused):
		v.problem("holds control characters or a line break; remove them.")
		return ""
	case utf8.RuneCountInString(s) > most:
		v.problem("is longer than %d characters; shorten it.", most)
		return ""
	}
	return s
}

// prose may have several lines.
func (v value) prose(most int) string {
	s, ok := v.scalar()
	s = strings.TrimSpace(s)
	switch {
	case v.absent():
		return ""
	case !ok:
		v.problem("must be a text.")
		return ""
	case strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && refused(r) }):
		v.problem("holds control characters; remove them.")
		return ""
	case utf8.RuneCountInString(s) > most:
		v.problem("is longer than %d characters; shorten it.", most)
		return ""
	}
	return s
}

func (v value) number(least, most int) int {
	if v.absent() {
		return 0
	}
	s, _ := v.scalar()
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		v.problem("must be a whole number from %d to %d.", least, most)
		return 0
	}
	return n
}

func (v value) yes() bool {
	if v.absent() {
		return false
	}
	b, ok := v.node.(*ast.BoolNode)
	if !ok {
		v.problem("must be true or false.")
		return false
	}
	return b.Value
}

func (v value) list() []value {
	if v.absent() {
		return nil
	}
	n, ok := v.node.(*ast.SequenceNode)
	if !ok {
		v.problem("must be a list: each entry on a line of its own, after \"- \".")
		return nil
	}
	vs := make([]value, 0, len(n.Values))
	for _, item := range n.Values {
		vs = append(vs, v.at(item))
	}
	return vs
}

func (v value) texts(most int) []string {
	texts := []string{}
	for _, item := range v.list() {
		if s := item.text(most); s != "" {
			texts = append(texts, s)
		}
	}
	return texts
}

// fields is a map whose keys must all be asked for.
type fields struct {
	value
	byName map[string]value
	keys   []value // in order
	names  []string
}

func (v value) fields() (fields, bool) {
	var pairs []*ast.MappingValueNode
	switch n := v.node.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		v.problem("must be a map: lines of \"key: value\".")
		return fields{}, false
	}
	m := fields{value: v, byName: map[string]value{}}
	for _, p := range pairs {
		key := v.at(p.Key)
		name := clean(p.Key.GetToken().Value)
		if _, twice := m.byName[name]; twice {
			key.problem("%s is there twice; keep one.", name)
			continue
		}
		field := v.at(p.Value)
		if field.absent() {
			field.line, field.col = key.line, key.col
		}
		m.byName[name] = field
		m.keys, m.names = append(m.keys, key), append(m.names, name)
	}
	return m, true
}

// get returns a field, absent when it isn't there.
func (m fields) get(name string) value {
	if v, ok := m.byName[name]; ok {
		return v
	}
	return value{in: m.in, file: m.file, line: m.line, col: m.col}
}

// known reports every key that isn't among names.
func (m fields) known(names ...string) {
	for i, name := range m.names {
		ok := false
		for _, n := range names {
			ok = ok || n == name
		}
		if !ok {
			m.keys[i].problem("there is no key %s here; the keys are %s.", name, strings.Join(names, ", "))
		}
	}
}

// require reports the keys that are absent or empty.
func (m fields) require(names ...string) {
	for _, name := range names {
		if v := m.get(name); v.absent() {
			v.problem("%s is missing; add it.", name)
		} else if s, ok := v.scalar(); ok && strings.TrimSpace(s) == "" {
			v.problem("%s is empty; fill it in.", name)
		}
	}
}

// clean makes a piece of a file fit into a message.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if refused(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "…"
	}
	return strings.TrimSpace(s)
}
