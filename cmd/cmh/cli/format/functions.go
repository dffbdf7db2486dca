package format

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// functions are text/template's, join and json. What they are given may be
// anything.
var functions = map[string]func([]any) (any, error){
	"not":      func(a []any) (any, error) { return !truth(a[0]), nil },
	"len":      length,
	"index":    index,
	"slice":    slice,
	"print":    func(a []any) (any, error) { return fmt.Sprint(a...), nil },
	"println":  func(a []any) (any, error) { return fmt.Sprintln(a...), nil },
	"printf":   printf,
	"urlquery": func(a []any) (any, error) { return url.QueryEscape(fmt.Sprint(a...)), nil },
	"html":     func(a []any) (any, error) { return html.Replace(fmt.Sprint(a...)), nil },
	"eq":       equal,
	"ne":       func(a []any) (any, error) { v, err := equal(a); return v == false, err },
	"lt":       ordered(func(c int) bool { return c < 0 }),
	"le":       ordered(func(c int) bool { return c <= 0 }),
	"gt":       ordered(func(c int) bool { return c > 0 }),
	"ge":       ordered(func(c int) bool { return c >= 0 }),
	"json":     func(a []any) (any, error) { b, err := json.Marshal(a[0]); return string(b), err },
	"join":     join,
}

// needs is how many arguments a function takes at least.
var needs = map[string]int{"not": 1, "len": 1, "index": 1, "slice": 1, "printf": 1, "eq": 2, "ne": 2, "lt": 2, "le": 2, "gt": 2, "ge": 2, "json": 1, "join": 2}

var html = strings.NewReplacer("\x00", "\uFFFD", `"`, "&#34;", "'", "&#39;", "&", "&amp;", "<", "&lt;", ">", "&gt;")

func length(a []any) (any, error) {
	switch v := a[0].(type) {
	case string:
		return len(v), nil
	case []any:
		return len(v), nil
	case map[string]any:
		return len(v), nil
	}
	return nil, fmt.Errorf("%v has no length", a[0])
}

func index(a []any) (any, error) {
	v := a[0]
	for _, key := range a[1:] {
		switch in := v.(type) {
		case map[string]any:
			name, ok := key.(string)
			if !ok {
				return nil, fmt.Errorf("%v is no name", key)
			}
			v = in[name]
		case []any:
			i, ok := whole(key)
			if !ok || i < 0 || i >= len(in) {
				return nil, fmt.Errorf("%v is not in a list of %d", key, len(in))
			}
			v = in[i]
		default:
			return nil, fmt.Errorf("%v has no parts", shown(v))
		}
	}
	return v, nil
}

func slice(a []any) (any, error) {
	n, err := length(a)
	if _, named := a[0].(map[string]any); err != nil || named || len(a) > 3 {
		return nil, errors.New("a list or text is cut, at up to two places")
	}
	from, to, ok := 0, n.(int), true
	if len(a) > 1 {
		from, ok = whole(a[1])
	}
	if ok && len(a) > 2 {
		to, ok = whole(a[2])
	}
	if !ok || from < 0 || to < from || to > n.(int) {
		return nil, fmt.Errorf("it has %d parts", n)
	}
	if s, ok := a[0].(string); ok {
		return s[from:to], nil
	}
	return a[0].([]any)[from:to], nil
}

func printf(a []any) (any, error) {
	f, ok := a[0].(string)
	if !ok {
		return nil, errors.New("the first argument is a format")
	}
	return fmt.Sprintf(f, a[1:]...), nil
}

func join(a []any) (any, error) {
	sep, ok := a[0].(string)
	list, isList := a[1].([]any)
	if !ok || !isList {
		return nil, errors.New("it takes a separator and a list")
	}
	words := make([]string, len(list))
	for i, w := range list {
		words[i] = fmt.Sprint(w)
	}
	return strings.Join(words, sep), nil
}

// equal compares with each of the others. Numbers are numbers, however they
// are written.
func equal(a []any) (any, error) {
	for _, b := range a[1:] {
		x, isNumber := number(a[0])
		if y, ok := number(b); ok && isNumber {
			if x == y {
				return true, nil
			}
			continue
		}
		switch a[0].(type) {
		case []any, map[string]any:
			return nil, errors.New("lists and objects can't be compared")
		}
		switch b.(type) {
		case []any, map[string]any:
			return nil, errors.New("lists and objects can't be compared")
		}
		if a[0] == b {
			return true, nil
		}
	}
	return false, nil
}

func ordered(is func(int) bool) func([]any) (any, error) {
	return func(a []any) (any, error) {
		x, xOK := number(a[0])
		y, yOK := number(a[1])
		if xOK && yOK {
			return is(cmp.Compare(x, y)), nil
		}
		s, sOK := a[0].(string)
		t, tOK := a[1].(string)
		if sOK && tOK {
			return is(cmp.Compare(s, t)), nil
		}
		return nil, fmt.Errorf("%v and %v have no order", a[0], a[1])
	}
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func whole(v any) (int, bool) {
	f, ok := number(v)
	return int(f), ok && f == float64(int(f))
}
