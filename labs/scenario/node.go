package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cloudmastershub/cmh/words"
)

// node is one value of an index, with where it was written, so that every
// complaint can name its line.
type node struct {
	file string
	line int
	kind kind
	str  string // of a text, number or boolean, as written
	list []*node
	keys []string // of an object, in order
	vals map[string]*node
	used map[string]bool
}

type kind int

const (
	null kind = iota
	text
	number
	boolean
	array
	object
)

func (k kind) String() string {
	return [...]string{
		"null", words.Kept("a text"), words.Kept("a number"), words.Kept("true or false"), words.Kept("a list"), words.Kept("an object"),
	}[k]
}

// maxDepth bounds nesting; nothing real passes ten.
const maxDepth = 64

func (n *node) put(key string, v *node) {
	if _, ok := n.vals[key]; !ok {
		n.keys = append(n.keys, key)
	}
	n.vals[key] = v
}

// get returns the value of key, or nil when n is no object, has no such key or
// holds null there. The key then counts as known.
func (n *node) get(key string) *node {
	if n == nil || n.kind != object {
		return nil
	}
	n.used[key] = true
	v := n.vals[key]
	if v == nil || v.kind == null {
		return nil
	}
	return v
}

// ignore marks keys as known though nothing here needs them.
func (n *node) ignore(keys ...string) {
	for _, k := range keys {
		v := n.get(k)
		v.ignoreAll()
	}
}

func (n *node) ignoreAll() {
	if n == nil {
		return
	}
	for _, k := range n.keys {
		n.used[k] = true
		n.vals[k].ignoreAll()
	}
	for _, v := range n.list {
		v.ignoreAll()
	}
}

// unknown lists the keys nobody asked for, as dotted paths.
func (n *node) unknown(prefix string, add func(string)) {
	if n == nil {
		return
	}
	for _, v := range n.list {
		v.unknown(prefix+"[]", add)
	}
	for _, k := range n.keys {
		path := strings.TrimPrefix(prefix+"."+k, ".")
		if !n.used[k] {
			add(path)
			continue
		}
		n.vals[k].unknown(path, add)
	}
}

// text returns key's value as a text; a number or boolean is taken as written.
func (r *reader) text(n *node, key string) string {
	v := n.get(key)
	if v == nil {
		return ""
	}
	switch v.kind {
	case text:
		return v.str
	case number, boolean:
		r.warn(v.file, v.line, "%q should be a text, it is %s", key, v.kind)
		return v.str
	}
	r.warn(v.file, v.line, "%q should be a text, it is %s; ignored", key, v.kind)
	v.ignoreAll()
	return ""
}

// number returns key's value as a whole number; a text holding one will do.
func (r *reader) number(n *node, key string) int {
	v := n.get(key)
	if v == nil {
		return 0
	}
	if v.kind == text && strings.TrimSpace(v.str) == "" {
		return 0
	}
	if v.kind == number || v.kind == text {
		if i, err := strconv.Atoi(strings.TrimSpace(v.str)); err == nil {
			if v.kind == text {
				r.warn(v.file, v.line, "%q should be a number, it is a text", key)
			}
			return i
		}
	}
	r.warn(v.file, v.line, "%q should be a whole number; ignored", key)
	v.ignoreAll()
	return 0
}

// flag returns key's value as a boolean; "true" and 1 will do.
func (r *reader) flag(n *node, key string) bool {
	v := n.get(key)
	if v == nil {
		return false
	}
	if v.kind == array || v.kind == object {
		r.warn(v.file, v.line, "%q should be true or false; ignored", key)
		v.ignoreAll()
		return false
	}
	if v.kind != boolean {
		r.warn(v.file, v.line, "%q should be true or false, it is %s", key, v.kind)
	}
	s := strings.ToLower(strings.TrimSpace(v.str))
	return s == "true" || s == "1" || s == "yes"
}

// object returns key's value when it is an object, else nil.
func (r *reader) object(n *node, key string) *node {
	v := n.get(key)
	if v != nil && v.kind != object {
		r.warn(v.file, v.line, "%q should be an object, it is %s; ignored", key, v.kind)
		v.ignoreAll()
		return nil
	}
	return v
}

// objects returns the objects of key's list. A lone object counts as a list of
// one.
func (r *reader) objects(n *node, key string) []*node {
	v := n.get(key)
	if v == nil {
		return nil
	}
	if v.kind == object {
		r.warn(v.file, v.line, "%q should be a list, it is an object", key)
		return []*node{v}
	}
	if v.kind != array {
		r.warn(v.file, v.line, "%q should be a list, it is %s; ignored", key, v.kind)
		return nil
	}
	var out []*node
	for _, item := range v.list {
		if item.kind != object {
			r.warn(item.file, item.line, "%q holds %s where an object is expected; ignored", key, item.kind)
			item.ignoreAll()
			continue
		}
		out = append(out, item)
	}
	return out
}

func (r *reader) warn(file string, line int, format string, args ...any) {
	r.warnings = append(r.warnings, Warning{file, line, fmt.Sprintf(format, args...)})
}
