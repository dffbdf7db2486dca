package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// parseJSON reads an index that people write by hand: a byte order mark,
// comments and trailing commas get a warning, anything else that is wrong is an
// *Error with line and column.
func (r *reader) parseJSON(file string, src []byte) (*node, error) {
	src, lenient := plainJSON(src)
	for _, l := range lenient {
		r.warn(file, l.line, "%s", l.what)
	}
	p := jsonParser{r: r, file: file, src: src, dec: json.NewDecoder(bytes.NewReader(src))}
	p.dec.UseNumber()
	n, err := p.value(0)
	if err == nil {
		if _, more := p.dec.Token(); !errors.Is(more, io.EOF) {
			err = p.fail(more, "there is something after the end of the document")
		}
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

type leniency struct {
	line int
	what string
}

// plainJSON blanks out what strict JSON forbids, byte for byte so that offsets
// stay true, and says what it was.
func plainJSON(src []byte) ([]byte, []leniency) {
	out := bytes.Clone(src)
	var found []leniency
	line := 1
	note := func(what string) { found = append(found, leniency{line, what}) }
	blank := func(from, to int) {
		for i := from; i < to && i < len(out); i++ {
			if out[i] != '\n' && out[i] != '\r' {
				out[i] = ' '
			}
		}
	}
	i := 0
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		note("the file starts with a byte order mark")
		blank(0, 3)
		i = 3
	}
	comma, commaLine := -1, 0 // a comma with nothing but blanks after it so far
	for ; i < len(src); i++ {
		switch c := src[i]; {
		case c == '\n':
			line++
		case c == ' ' || c == '\t' || c == '\r':
		case c == '"':
			comma = -1
			for i++; i < len(src) && src[i] != '"' && src[i] != '\n'; i++ {
				if src[i] == '\\' {
					i++
				}
			}
			if i < len(src) && src[i] == '\n' {
				line++
			}
		case c == '/' && i+1 < len(src) && src[i+1] == '/':
			note("JSON has no comments")
			end := bytes.IndexByte(src[i:], '\n')
			if end < 0 {
				end = len(src) - i
			}
			blank(i, i+end)
			i += end - 1
		case c == '/' && i+1 < len(src) && src[i+1] == '*':
			end := bytes.Index(src[i+2:], []byte("*/"))
			if end < 0 {
				return out, found // the decoder will complain about the slash
			}
			note("JSON has no comments")
			blank(i, i+2+end+2)
			line += bytes.Count(src[i:i+2+end], []byte("\n"))
			i += 2 + end + 1
		case c == ',':
			comma, commaLine = i, line
		case (c == '}' || c == ']') && comma >= 0:
			found = append(found, leniency{commaLine, "the last comma before " + string(c) + " should go"})
			out[comma] = ' '
			comma = -1
		default:
			comma = -1
		}
	}
	return out, found
}

type jsonParser struct {
	r    *reader
	file string
	src  []byte
	dec  *json.Decoder

	counted, lines int // lines before byte counted
}

// line is the line at the decoder's place. Calls go forward only, so that the
// whole file is counted once.
func (p *jsonParser) line() int {
	at := min(int(p.dec.InputOffset()), len(p.src))
	p.lines += bytes.Count(p.src[p.counted:at], []byte("\n"))
	p.counted = at
	return p.lines + 1
}

func (p *jsonParser) fail(err error, fallback string) error {
	at, text := int(p.dec.InputOffset()), fallback
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at, text = int(syntax.Offset)-1, syntax.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		at, text = len(p.src), "the file ends too early"
	case err != nil:
		text = err.Error()
	}
	at = max(0, min(at, len(p.src)))
	before := p.src[:at]
	return &Error{
		File: p.file, Line: bytes.Count(before, []byte("\n")) + 1,
		Col: at - bytes.LastIndexByte(before, '\n'), Text: strings.TrimPrefix(text, "json: "),
	}
}

func (p *jsonParser) value(depth int) (*node, error) {
	tok, err := p.dec.Token()
	if err != nil {
		return nil, p.fail(err, "")
	}
	n := &node{file: p.file, line: p.line()}
	switch v := tok.(type) {
	case nil:
	case string:
		n.kind, n.str = text, noNUL(v)
	case json.Number:
		n.kind, n.str = number, v.String()
	case bool:
		n.kind, n.str = boolean, fmt.Sprint(v)
	case json.Delim:
		if depth > maxDepth {
			return nil, p.fail(nil, "the document is nested too deeply")
		}
		return n, p.inside(n, v, depth)
	}
	return n, nil
}

// noNUL drops what no database stores and no author means.
func noNUL(s string) string { return strings.ReplaceAll(s, "\x00", "") }

func (p *jsonParser) inside(n *node, open json.Delim, depth int) error {
	n.kind = array
	if open == '{' {
		n.kind, n.vals, n.used = object, map[string]*node{}, map[string]bool{}
	}
	for p.dec.More() {
		var key string
		if n.kind == object {
			tok, err := p.dec.Token()
			if err != nil {
				return p.fail(err, "")
			}
			key, _ = tok.(string)
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		if n.kind == array {
			n.list = append(n.list, v)
			continue
		}
		if _, twice := n.vals[key]; twice {
			p.r.warn(p.file, v.line, "%q is given twice; the last one counts", key)
		}
		n.put(noNUL(key), v)
	}
	if _, err := p.dec.Token(); err != nil {
		return p.fail(err, "")
	}
	return nil
}
