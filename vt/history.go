package vt

import "bytes"

// A history holds the lines that have left the main screen at its top, drawn
// already: text and attributes, which is less than cells.
type history struct {
	lines []line
	first int // index in lines of the oldest
	bytes int
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

func (h *history) clear() { *h = history{} }

func (h *history) all() []line { return h.lines[h.first:] }
