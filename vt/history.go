package vt

import "bytes"

// A history holds the lines that have left the main screen at its top, drawn
// already: text and attributes, which is less than cells.
type history struct {
	lines []line
	first int // index in lines of the oldest
	bytes int
	added int // lines that ever came
	draft []byte
}

type line struct {
	text    []byte
	wrapped bool
}

func (h *history) add(r row, cols int) {
	h.draft = drawRow(h.draft[:0], r, cols, cols, r.wrapped)
	text := bytes.Clone(h.draft)
	h.lines = append(h.lines, line{text, r.wrapped})
	h.bytes += len(text)
	h.added++
	for h.bytes > MaxHistory || len(h.lines)-h.first > maxLines {
		h.bytes -= len(h.lines[h.first].text)
		h.lines[h.first].text = nil
		h.first++
	}
	if h.first > 256 && h.first > len(h.lines)/2 {
		h.lines = append([]line(nil), h.lines[h.first:]...)
		h.first = 0
	}
}

func (h *history) clear() { *h = history{added: h.added} }

func (h *history) all() []line { return h.lines[h.first:] }

// Above tells of the lines that have left the screen at its top, counted since
// the beginning: those from first up to end, which is not among them, are kept.
func (s *Screen) Above() (first, end int) {
	return s.history.added - len(s.history.all()), s.history.added
}

// DrawAbove returns line n of those that Above tells of, as DrawRow does. It is as wide as
// the screen was when it left.
func (s *Screen) DrawAbove(b []byte, n int) []byte {
	first, end := s.Above()
	if n < first || n >= end {
		return b
	}
	return append(b, s.history.all()[n-first].text...)
}
