// Package cast reads and writes terminal recordings in the asciicast format,
// version 2, and reads version 3. It knows nothing of labs. A recording holds
// what a stranger's programs printed: Play lets through only what draws.
package cast

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// A Header begins a recording.
type Header struct {
	Version   int               `json:"version"`
	Width     int               `json:"width"`
	Height    int               `json:"height"`
	Timestamp int64             `json:"timestamp,omitempty"`
	Title     string            `json:"title,omitempty"`
	Env       map[string]string `json:"env,omitempty"`
}

// Kinds of events.
const (
	Output = "o"
	Resize = "r" // its data is COLUMNSxROWS
)

// An Event is something that happened, At so long after the beginning.
type Event struct {
	At   time.Duration
	Kind string
	Data string
}

// Line is h as the first line of a version 2 recording.
func (h Header) Line() []byte {
	h.Version = 2
	b, _ := json.Marshal(h) // strings and numbers: never fails
	return append(b, '\n')
}

// Line is e as a line of a version 2 recording.
func (e Event) Line() []byte {
	data, _ := json.Marshal(e.Data)
	b := strconv.AppendFloat([]byte{'['}, e.At.Seconds(), 'f', 6, 64)
	b = append(b, ", "+strconv.Quote(e.Kind)+", "...)
	return append(append(b, data...), ']', '\n')
}

// A Reader reads a recording.
type Reader struct {
	Header Header
	lines  *bufio.Scanner
	at     time.Duration
}

// maxLine bounds one event.
const maxLine = 4 << 20

// NewReader reads the header.
func NewReader(r io.Reader) (*Reader, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	if !lines.Scan() {
		return nil, errors.Join(errors.New("cast: no header"), lines.Err())
	}
	var h struct {
		Header
		Term struct {
			Cols int `json:"cols"`
			Rows int `json:"rows"`
		} `json:"term"` // version 3
	}
	if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
		return nil, fmt.Errorf("cast: header: %w", err)
	}
	switch h.Version {
	case 2:
	case 3:
		h.Width, h.Height = h.Term.Cols, h.Term.Rows
	default:
		return nil, fmt.Errorf("cast: version %d is not one of 2 and 3", h.Version)
	}
	if h.Width < 1 || h.Height < 1 {
		return nil, errors.New("cast: a screen without a size")
	}
	return &Reader{Header: h.Header, lines: lines}, nil
}

// Next returns the next event, or io.EOF. Comments are passed over.
func (r *Reader) Next() (Event, error) {
	for r.lines.Scan() {
		line := r.lines.Bytes()
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		var raw []json.RawMessage
		var seconds float64
		var e Event
		if err := json.Unmarshal(line, &raw); err != nil || len(raw) < 3 {
			return e, fmt.Errorf("cast: not an event: %.40q", line)
		}
		if json.Unmarshal(raw[0], &seconds) != nil || json.Unmarshal(raw[1], &e.Kind) != nil || json.Unmarshal(raw[2], &e.Data) != nil ||
			seconds < 0 || seconds > 1e8 {
			return e, fmt.Errorf("cast: not an event: %.40q", line)
		}
		e.At = time.Duration(seconds * float64(time.Second))
		if r.Header.Version == 3 { // there it is the time since the one before
			e.At += r.at
		}
		e.At = max(e.At, r.at)
		r.at = e.At
		return e, nil
	}
	if err := r.lines.Err(); err != nil {
		return Event{}, fmt.Errorf("cast: %w", err)
	}
	return Event{}, io.EOF
}
