package httpapi

import (
	"bytes"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/client/hub"
)

// plainEntry reads an entry that is written as most are: each field once, texts
// without escapes, a small number. Progress is told more often than anything, and
// this takes a tenth of what decode does. It reports false for all else, which
// decode takes, or refuses with reasons.
func plainEntry(body []byte) (e hub.ProgressEntry, ok bool) {
	if !utf8.Valid(body) {
		return e, false
	}
	p := plainJSON{body}
	if !p.skip('{') {
		return e, false
	}
	var percentage, seen int
	for {
		name, ok := p.text()
		if !ok || !p.skip(':') {
			return e, false
		}
		var field int
		switch string(name) {
		case "course_id":
			field = 1
			var id []byte
			id, ok = p.text()
			e.CourseID = string(id)
		case "lesson_id":
			field = 2
			var id []byte
			id, ok = p.text()
			e.LessonID = string(id)
		case "progress_percentage":
			field = 4
			percentage, ok = p.percentage()
			e.ProgressPercentage = percentage
		default:
			return e, false
		}
		if !ok || seen&field != 0 {
			return e, false
		}
		seen |= field
		if p.skip('}') {
			return e, p.space() == 0
		}
		if !p.skip(',') {
			return e, false
		}
	}
}

// plainJSON is what is left to be read.
type plainJSON struct{ rest []byte }

// space skips blanks, and returns how much is left.
func (p *plainJSON) space() int {
	p.rest = bytes.TrimLeft(p.rest, " \t\r\n")
	return len(p.rest)
}

// skip takes a sign, if it is next.
func (p *plainJSON) skip(sign byte) bool {
	if p.space() == 0 || p.rest[0] != sign {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// text takes a text without escapes.
func (p *plainJSON) text() ([]byte, bool) {
	if !p.skip('"') {
		return nil, false
	}
	for i, c := range p.rest {
		switch {
		case c == '"':
			text := p.rest[:i]
			p.rest = p.rest[i+1:]
			return text, true
		case c < ' ', c == '\\':
			return nil, false
		}
	}
	return nil, false
}

// percentage takes a number of up to three digits.
func (p *plainJSON) percentage() (n int, ok bool) {
	if p.space() == 0 || p.rest[0] == '0' && len(p.rest) > 1 && isDigit(p.rest[1]) {
		return 0, false
	}
	digits := 0
	for digits < len(p.rest) && isDigit(p.rest[digits]) {
		n = 10*n + int(p.rest[digits]-'0')
		if digits++; digits > 3 {
			return 0, false
		}
	}
	p.rest = p.rest[digits:]
	return n, digits > 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
