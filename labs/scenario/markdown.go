package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// normal is a page in normal form, with what was found in it.
type normal struct {
	text     string
	quiz     []Question
	ports    []int
	commands []string  // of every runnable block and span
	hosts    []string  // that an action asks for, such as HOST2
	warnings []Warning // File is the caller's to fill in
}

// normalise brings a page of either dialect into the normal form that
// Page.Text describes. Both dialects put actions where Markdown allows none
// (behind a closing fence, which Markdown then takes for content), so this
// comes before any Markdown library. What is no action, variable, quiz or file
// block stays byte for byte: braces belong to many other languages.
func normalise(src string) normal {
	n := normaliser{lines: strings.Split(src, "\n"), list: -1}
	if strings.TrimSpace(src) == "" {
		return normal{}
	}
	for n.at < len(n.lines) {
		line := n.lines[n.at]
		switch {
		case n.fence(line), n.fileBlock(line), n.question(line):
		case strings.TrimSpace(line) == "":
			n.out = append(n.out, line)
			n.at++
		default:
			n.paragraph()
		}
	}
	n.res.text = strings.Join(n.out, "\n")
	slices.Sort(n.res.ports)
	n.res.ports = slices.Compact(n.res.ports)
	return n.res
}

// normaliser walks over the lines of a page once.
type normaliser struct {
	lines []string
	at    int // the line looked at
	out   []string
	res   normal

	list   int           // where the text of the current list item begins; -1 outside lists
	closed *block        // the block that ended last, while only blank lines followed
	fences []fencesAhead // by line; see strayClose
	noPre  bool          // there is no </pre> from here on
}

// maxPageWarnings bounds what a hostile page can make us say.
const maxPageWarnings = 100

func (n *normaliser) note(line int, format string, args ...any) {
	if len(n.res.warnings) < maxPageWarnings {
		n.res.warnings = append(n.res.warnings, Warning{Line: line + 1, Text: fmt.Sprintf(format, args...)})
	}
}

// warnIn is warn about the place offset of a text that begins at line.
func (n *normaliser) warnIn(line int, text string, offset int, format string, args ...any) {
	if len(n.res.warnings) < maxPageWarnings {
		n.note(line+strings.Count(text[:offset], "\n"), format, args...)
	}
}

// code replaces the variables in code.
func (n *normaliser) code(s string) string {
	s, ports := replaceVariables(s, inCode)
	n.res.ports = append(n.res.ports, ports...)
	return s
}

var (
	listItem = regexp.MustCompile(`^([ \t]*)([-*+]|\d{1,9}[.)])([ \t]+)\S`)
	heading  = regexp.MustCompile(`^ {0,3}#{1,6}([ \t]|$)`)
)

// paragraph handles the lines up to the next blank one, fence, list item or
// heading: what a code span cannot cross.
func (n *normaliser) paragraph() {
	start := n.at
	first := n.lines[start]
	n.enter(first, start == 0 || strings.TrimSpace(n.lines[start-1]) == "")
	for n.at++; n.at < len(n.lines); n.at++ {
		line := n.lines[n.at]
		if strings.TrimSpace(line) == "" || listItem.MatchString(line) || heading.MatchString(line) ||
			heading.MatchString(n.lines[n.at-1]) || n.startsBlock(line) {
			break
		}
	}
	text := strings.Join(n.lines[start:n.at], "\n")
	if n.closed != nil {
		if text = n.detached(text); strings.TrimSpace(text) == "" {
			return
		}
		n.closed = nil
	}
	if n.list < 0 && columns(first) >= 4 {
		text = n.code(text) // an indented block of code
	} else {
		text = n.inline(text, start)
	}
	n.unfenced(text)
}

// enter keeps track of the list that line belongs to.
func (n *normaliser) enter(line string, afterBlank bool) {
	if m := listItem.FindStringSubmatch(line); m != nil {
		pad := columns(m[3])
		if pad > 4 {
			pad = 1
		}
		n.list = columns(m[1]) + len(m[2]) + pad
	} else if afterBlank && columns(line) == 0 {
		n.list = -1
	}
}

// columns is how far line is indented.
func columns(line string) int {
	col := 0
	for _, c := range line {
		switch c {
		case ' ':
			col++
		case '\t':
			col += 4 - col%4
		default:
			return col
		}
	}
	return col
}

// startsBlock reports whether line is one that paragraph must leave to others.
func (n *normaliser) startsBlock(line string) bool {
	_, fence := openFence(line)
	return fence || findPre(line) != nil || questionLine.MatchString(line)
}

// detached takes an action that stands alone behind a block, and gives it to
// that block.
func (n *normaliser) detached(text string) string {
	trimmed := strings.TrimLeft(text, " \t")
	groups, rest := leadingGroups(trimmed)
	if len(groups) == 0 || n.closed.act.verb != "" {
		return text
	}
	a, known := mergeActions(groups)
	if !known {
		return text
	}
	n.attach(n.closed, a)
	return strings.TrimLeft(rest, " \t")
}

// inline handles code spans, the actions behind them, and variables in the
// text between.
func (n *normaliser) inline(text string, line int) string {
	var b strings.Builder
	plain := 0 // where the text since the last span begins
	runs := backticks(text)
	for i := 0; i < len(text); {
		switch text[i] {
		case '\\':
			i += 2
		case '`':
			run := runLength(text[i:], '`')
			end := runs.next(run, i+run)
			if end < 0 {
				i += run
				continue
			}
			b.WriteString(n.prose(text, plain, i, line))
			span, after := n.span(text, i, run, end, line)
			b.WriteString(span)
			i, plain = after, after
		default:
			i++
		}
	}
	b.WriteString(n.prose(text, plain, len(text), line))
	return b.String()
}

func runLength(s string, c byte) int {
	n := 0
	for n < len(s) && s[n] == c {
		n++
	}
	return n
}

// runsOf is where the runs of backticks of each length begin.
type runsOf map[int][]int

func backticks(s string) runsOf {
	runs := runsOf{}
	for i := 0; i < len(s); {
		next := strings.IndexByte(s[i:], '`')
		if next < 0 {
			break
		}
		i += next
		length := runLength(s[i:], '`')
		runs[length] = append(runs[length], i)
		i += length
	}
	return runs
}

// next is where the next run of exactly length backticks begins, or -1.
func (r runsOf) next(length, from int) int {
	at, _ := slices.BinarySearch(r[length], from)
	if at == len(r[length]) {
		return -1
	}
	return r[length][at]
}

// behind is what may stand between a code span and its action: the end of an
// emphasis, blanks, one line end.
var behind = regexp.MustCompile(`^([*_]{0,3})([ \t]*\n?[ \t]*)\{\{`)

// span handles the code span that begins at i and whose closing backticks
// begin at end. It returns its normal form and where the text goes on.
func (n *normaliser) span(text string, i, run, end, line int) (string, int) {
	body, after := text[i+run:end], end+run
	ticks := text[i : i+run]
	out := ticks + n.code(body) + ticks
	m := behind.FindStringSubmatch(text[after:])
	if m == nil {
		return out, after
	}
	from := after + len(m[1]) + len(m[2])
	if variableHere.MatchString(text[from:]) {
		return out, after
	}
	groups, rest := leadingGroups(text[from:])
	if len(groups) == 0 {
		return out, after
	}
	a, known := mergeActions(groups)
	switch {
	case !known && m[2] != "", !known && !plainWords(groups):
		return out, after // braces of another language
	case !known:
		n.warnIn(line, text, i, "%q is no action; dropped", "{{"+groups[0]+"}}")
	case a.verb == "exec":
		n.res.commands = append(n.res.commands, n.code(strings.TrimSpace(body)))
		n.res.hosts = append(n.res.hosts, a.host)
	}
	if a.verb != "" {
		out += "{{" + a.String() + "}}"
	}
	return out + m[1], len(text) - len(rest)
}

// stray is an action where no action can be.
var stray = regexp.MustCompile(`(?i)[ \t]?\{\{[ \t]*(?:execute|exec|copy|open)(?:[ \t]+(?:T\d|HOST\d|interrupt|no-newline|ctrl-seq))*[ \t]*\}\}`)

// prose handles text[from:to], which holds no code span.
func (n *normaliser) prose(text string, from, to, line int) string {
	s := text[from:to]
	if !strings.Contains(s, "{{") && !strings.Contains(s, "[[") {
		return s
	}
	for _, at := range stray.FindAllStringIndex(s, -1) {
		n.warnIn(line, text, from+at[0], "%q follows no code; dropped", strings.TrimSpace(s[at[0]:at[1]]))
	}
	s, ports := replaceVariables(stray.ReplaceAllString(s, ""), inText)
	n.res.ports = append(n.res.ports, ports...)
	return s
}
