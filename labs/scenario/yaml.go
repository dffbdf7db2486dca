package scenario

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/cloudmastershub/cmh/words"
)

// parseYAML reads an index written in YAML into the same tree as parseJSON.
func (r *reader) parseYAML(file string, src []byte) (n *node, err error) {
	// The library is given hostile documents; a crash in it is their fault.
	defer func() {
		if p := recover(); p != nil {
			n, err = nil, &Error{File: file, Text: words.Kept("is no valid YAML")}
		}
	}()
	f, err := parser.ParseBytes([]byte(decode(src)), 0)
	if err != nil {
		return nil, yamlError(file, err)
	}
	if len(f.Docs) != 1 || f.Docs[0].Body == nil {
		return nil, &Error{File: file, Text: words.Kept("should hold one document")}
	}
	return r.yamlNode(file, f.Docs[0].Body, 0)
}

func (r *reader) yamlNode(file string, y ast.Node, depth int) (*node, error) {
	n := &node{file: file}
	if t := y.GetToken(); t != nil && t.Position != nil {
		n.line = t.Position.Line
	}
	if depth > maxDepth {
		return nil, &Error{File: file, Line: n.line, Text: words.Kept("the document is nested too deeply")}
	}
	switch v := y.(type) {
	case *ast.NullNode:
	case *ast.StringNode:
		n.kind, n.str = text, noNUL(v.Value)
	case *ast.LiteralNode:
		n.kind, n.str = text, noNUL(v.Value.Value)
	case *ast.IntegerNode:
		n.kind, n.str = number, fmt.Sprint(v.Value)
	case *ast.FloatNode:
		n.kind, n.str = number, v.Token.Value
	case *ast.BoolNode:
		n.kind, n.str = boolean, fmt.Sprint(v.Value)
	case *ast.SequenceNode:
		n.kind = array
		for _, item := range v.Values {
			child, err := r.yamlNode(file, item, depth+1)
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, child)
		}
	case *ast.MappingNode:
		return n, r.yamlObject(n, v.Values, depth)
	case *ast.MappingValueNode:
		return n, r.yamlObject(n, []*ast.MappingValueNode{v}, depth)
	default: // anchors, aliases and tags can blow a document up
		return nil, &Error{File: file, Line: n.line, Text: words.Kept("uses a YAML feature that an index does not need")}
	}
	return n, nil
}

func (r *reader) yamlObject(n *node, values []*ast.MappingValueNode, depth int) error {
	n.kind, n.vals, n.used = object, map[string]*node{}, map[string]bool{}
	for _, kv := range values {
		child, err := r.yamlNode(n.file, kv.Value, depth+1)
		if err != nil {
			return err
		}
		key := kv.Key.String()
		if s, ok := kv.Key.(*ast.StringNode); ok {
			key = s.Value
		}
		if t := kv.Key.GetToken(); t != nil && t.Position != nil {
			child.line = t.Position.Line
		}
		n.put(noNUL(key), child)
	}
	return nil
}
