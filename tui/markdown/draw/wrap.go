package draw

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/tui/safe"
)

// span is a run of text in one style. brk ends the line after it.
type span struct {
	text  string
	codes []string // SGR
	href  string   // of a clickable link
	brk   bool
}

// piece is a part of a word.
type piece struct {
	text string
	from *span
}

// wrap lays spans out in lines of at most width columns. Each line closes the
// styles it opens, so that lines can be shown apart.
func (r *renderer) wrap(spans []span, width int) []string {
	width = max(width, 1)
	var (
		lines []string
		line  strings.Builder
		run   strings.Builder // the end of line that is all from one span
		of    *span
		used  int
		word  []piece
		wide  int
		gap   *span // the space before word, in the style of its span
	)
	write := func(text string, s *span) {
		if of != s && run.Len() > 0 {
			line.WriteString(r.draw(run.String(), of))
			run.Reset()
		}
		of = s
		run.WriteString(text)
		used += ansi.StringWidth(text)
	}
	newline := func() {
		if run.Len() > 0 {
			line.WriteString(r.draw(run.String(), of))
			run.Reset()
		}
		lines = append(lines, line.String())
		line.Reset()
		used = 0
	}
	flush := func() {
		if len(word) == 0 {
			return
		}
		if used > 0 && gap != nil {
			if used+1+wide > width {
				newline()
			} else {
				write(" ", gap)
			}
		}
		for _, p := range word {
			if used+ansi.StringWidth(p.text) <= width {
				write(p.text, p.from)
				continue
			}
			for rest := p.text; rest != ""; {
				var head string
				head, rest = split(rest, width-used)
				if head == "" {
					if used > 0 {
						newline()
						continue
					}
					head, rest = first(rest)
				}
				write(head, p.from)
			}
		}
		word, wide, gap = word[:0], 0, nil
	}
	for i := range spans {
		s := &spans[i]
		for text := safe.Text(s.text); text != ""; {
			n := strings.IndexAny(text, " \n\t")
			if n < 0 {
				word, wide = append(word, piece{text, s}), wide+ansi.StringWidth(text)
				break
			}
			if n > 0 {
				word, wide = append(word, piece{text[:n], s}), wide+ansi.StringWidth(text[:n])
			}
			flush()
			gap = s
			text = text[n+1:]
		}
		if s.brk {
			flush()
			newline()
			gap = nil
		}
	}
	flush()
	if used > 0 {
		newline()
	}
	return lines
}

func (r *renderer) draw(text string, s *span) string {
	if r.o.Styled {
		text = paint(text, s.codes...)
	}
	if s.href != "" {
		text = "\x1b]8;;" + s.href + "\x1b\\" + text + "\x1b]8;;\x1b\\"
	}
	return text
}

// split cuts s, which holds no escape sequences, after at most width columns,
// never inside a character.
func split(s string, width int) (head, tail string) {
	n := 0
	for n < len(s) {
		c, w := ansi.FirstGraphemeCluster(s[n:], ansi.GraphemeWidth)
		if w > width {
			break
		}
		width -= w
		n += max(len(c), 1)
	}
	return s[:n], s[n:]
}

// first cuts s after its first character.
func first(s string) (head, tail string) {
	c, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	n := max(len(c), 1)
	return s[:n], s[n:]
}

// pad fills s, styled or not, with spaces up to width.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-ansi.StringWidth(s)))
}

// prefix puts head before the first line and rest before the others.
func prefix(lines []string, head, rest string) []string {
	for i := range lines {
		if i == 0 {
			lines[i] = head + lines[i]
		} else if lines[i] != "" || strings.TrimSpace(rest) != "" {
			lines[i] = rest + lines[i]
		}
	}
	return lines
}
