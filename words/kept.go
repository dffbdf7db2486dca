package words

import (
	"fmt"
	"strconv"
	"strings"
)

// Kept is fmt.Sprintf for a text that is kept or sent as it is, as the message of
// a lab session: who shows it later finds the values in it, and says it with Told.
// format has no verbs but %s, %d and %q.
func Kept(format string, args ...any) string {
	return fmt.Sprintf(format, args...)
}

// Heard marks a format of texts, for Told, that a library makes, or that are within
// other ones.
func Heard(format string) string { return format }

// Told says what Kept has made, here or in another process, long ago perhaps. A
// value that is such a text itself is told, too, and so are those in a row of them
// with commas, and each of several lines. What Kept has not made stays as it is.
func (s Speaker) Told(text string) string {
	if s.in == nil || text == "" {
		return text
	}
	if t := s.in.texts[text]; len(t) == 1 {
		return t[0]
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if lines[i] = s.in.told(line, 0); lines[i] != line {
			continue
		}
		if name, said, ok := strings.Cut(line, ": "); ok { // what a check of that name says
			lines[i] = name + ": " + s.in.told(said, 0)
		}
	}
	return strings.Join(lines, "\n")
}

// deepest is how far texts lie within texts.
const deepest = 3

func (c *catalogue) told(text string, depth int) string {
	if depth > deepest {
		return text
	}
	best, values := shape{}, []any(nil)
	for _, k := range c.kept {
		if k.length <= best.length && best.id != "" || depth == 0 && k.open {
			continue
		}
		if v, ok := k.values(text); ok {
			best, values = k, v
		}
	}
	if best.id == "" {
		return text
	}
	for i, v := range values {
		if v, ok := v.(string); ok {
			values[i] = c.row(v, depth+1)
		}
	}
	return fmt.Sprintf(c.texts[best.id][0], values...)
}

// row tells a value, or each of those in it.
func (c *catalogue) row(text string, depth int) string {
	if t := c.told(text, depth); t != text {
		return t
	}
	parts := strings.Split(text, ", ")
	for i, p := range parts {
		parts[i] = c.told(p, depth)
	}
	return strings.Join(parts, ", ")
}

// A shape is what all that was made of a format has in common.
type shape struct {
	id     string
	parts  []string // between the verbs
	verbs  []byte
	length int  // of parts
	open   bool // anything may stand before the first part: it is part of a text, never one
}

func shaped(format string) shape {
	s := shape{id: format}
	part := ""
	for i := 0; i < len(format); i++ {
		switch {
		case format[i] != '%' || i+1 == len(format):
			part += format[i : i+1]
			continue
		case format[i+1] == '%':
			part += "%"
		default:
			s.parts, s.verbs, part = append(s.parts, part), append(s.verbs, format[i+1]), ""
		}
		i++
	}
	s.parts = append(s.parts, part)
	for _, p := range s.parts {
		s.length += len(p)
	}
	s.open = s.parts[0] == "" && len(s.verbs) > 0 && s.verbs[0] == 's'
	return s
}

// values finds what text was made of.
func (s shape) values(text string) ([]any, bool) {
	rest, ok := strings.CutPrefix(text, s.parts[0])
	if !ok {
		return nil, false
	}
	var out []any
	for i, verb := range s.verbs {
		next, end := s.parts[i+1], 0
		if i+1 == len(s.verbs) {
			end = len(rest) - len(next)
			ok = strings.HasSuffix(rest, next)
		} else {
			end = strings.Index(rest, next)
			ok = end >= 0
		}
		if !ok {
			return nil, false
		}
		v, ok := valued(verb, rest[:end])
		if !ok {
			return nil, false
		}
		out, rest = append(out, v), rest[end+len(next):]
	}
	return out, rest == "" && (len(out) > 0 || text == s.parts[0])
}

func valued(verb byte, text string) (any, bool) {
	switch verb {
	case 'd':
		n, err := strconv.Atoi(text)
		return n, err == nil
	case 'q':
		v, err := strconv.Unquote(text)
		return v, err == nil && text[0] == '"'
	}
	return text, text != ""
}
