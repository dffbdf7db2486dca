// Package draw draws Markdown, as package markdown has it. Its input is hostile:
// addresses, entities and raw HTML come from anywhere, so everything it returns
// has been through package safe.
package draw

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark/text"

	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/safe"
)

// limits on what one text may ask of us.
const (
	maxSource = 256 << 10 // the worst that is known of it, definitions of links, takes the parser two seconds
	maxDepth  = 24
)

// Render draws src. The text has no newline at its end, and no line is wider
// than the width unless one character is.
func Render(src string, o markdown.Options) (string, []markdown.Block) {
	text, blocks, _ := Outline(src, o)
	return text, blocks
}

// Outline is Render, and tells of the headings of what it has drawn.
func Outline(src string, o markdown.Options) (string, []markdown.Block, []markdown.Heading) {
	if o.Width == 0 {
		o.Width = 80
	}
	o.Width = max(o.Width, 20)
	o.Styled = o.Styled || o.Color
	if len(src) > maxSource {
		src = src[:maxSource] + "\n\n… " + o.Words.T("(the rest of this text is too long to show)") + "\n"
	}
	r := &renderer{o: o, ink: inkFor(o)}
	lines := r.document(src, o.Width)
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	for i := range r.blocks {
		r.blocks[i].Code = safe.Text(r.blocks[i].Code)
		r.blocks[i].Lang = safe.Line(r.blocks[i].Lang)
	}
	headings := r.outline(lines)
	r.place(lines)
	return safe.Styled(strings.Join(lines, "\n")), r.blocks, headings
}

type renderer struct {
	o        markdown.Options
	ink      ink
	blocks   []markdown.Block
	headings []markdown.Heading
	depth    int
	src      []byte
	html     htmlState
}

// document parses src on its own and draws it.
func (r *renderer) document(src string, width int) []string {
	if r.depth >= maxDepth {
		return r.wrap([]span{{text: src}}, width)
	}
	source := []byte(separateDetails(shallow(src)))
	outer := r.src
	r.src = source
	r.depth++
	lines := r.children(newParser().Parse(text.NewReader(source)), width)
	r.depth--
	r.src = outer
	return lines
}

// deepest is how many quotes and lists may begin on one line: parsing takes
// time that grows with the square of it.
const deepest = 64

// shallow makes text of a line that would nest deeper.
func shallow(src string) string {
	if len(src) < deepest {
		return src
	}
	var b strings.Builder
	for line := range strings.SplitAfterSeq(src, "\n") {
		markers := 0
		for i := 0; i < len(line) && markers <= deepest && strings.IndexByte(">-+*.) \t0123456789", line[i]) >= 0; i++ {
			if strings.IndexByte(">-+*.)", line[i]) >= 0 && i+1 < len(line) && (line[i] == '>' || line[i+1] == ' ' || line[i+1] == '\t') {
				markers++
			}
		}
		if markers > deepest {
			b.WriteByte('\\')
		}
		b.WriteString(line)
	}
	return b.String()
}

// place finds the line of each numbered block, once everything is laid out.
func (r *renderer) place(lines []string) {
	i := 0
	for l, line := range lines {
		for i < len(r.blocks) && strings.Contains(line, label(r.blocks[i].Number)) {
			r.blocks[i].Line = l
			i++
		}
	}
}

// A headed line begins with a mark that holds its heading's number. It takes no
// room, no text of an author's can hold one, and none is left in what is returned.
const (
	markHead = "\x1b_h"
	markTail = "\x1b\\"
)

func marked(n int) string { return markHead + strconv.Itoa(n) + markTail }

// outline finds the line of each heading that was drawn, and takes their marks
// away.
func (r *renderer) outline(lines []string) []markdown.Heading {
	var out []markdown.Heading
	for l, line := range lines {
		for {
			before, rest, ok := strings.Cut(line, markHead)
			if !ok {
				break
			}
			number, after, _ := strings.Cut(rest, markTail)
			if n, err := strconv.Atoi(number); err == nil && n < len(r.headings) {
				h := r.headings[n]
				h.Line = l
				out = append(out, h)
			}
			line = before + after
		}
		lines[l] = line
	}
	return out
}
