package scenario

import (
	"regexp"
	"strings"
)

// fence is the opening line of a block of code.
type fence struct {
	prefix string // indent, list marker, quote marks
	mark   string // three or more backticks or tildes
	info   string
}

var (
	fenceLine = regexp.MustCompile("^((?:[ \t]*(?:[-*+]|\\d{1,9}[.)])[ \t]+|[ \t]*>[ \t]?)*[ \t]*)(`{3,}|~{3,})(.*)$")
	quoted    = regexp.MustCompile(`^(?:[ \t]*>[ \t]?)+`)
	// infoAction is an action in normal form, in an info string.
	infoAction = regexp.MustCompile(`[ \t]*\{((?:exec|copy)(?:[ \t][A-Za-z0-9 \t-]*)?)\}`)
	infoGroup  = regexp.MustCompile(`[ \t]*\{\{([^{}]*)\}\}`)
)

func openFence(line string) (fence, bool) {
	m := fenceLine.FindStringSubmatch(line)
	if m == nil || (m[2][0] == '`' && strings.Contains(m[3], "`")) {
		return fence{}, false
	}
	return fence{m[1], m[2], strings.TrimSpace(m[3])}, true
}

// closes reports whether line, without its quote marks, ends the block, with
// the actions it holds and the text behind them.
func (f fence) closes(line string) (groups []string, rest string, ok bool) {
	line = strings.TrimLeft(line, " \t")
	run := runLength(line, f.mark[0])
	if run < len(f.mark) {
		return nil, "", false
	}
	groups, rest = leadingGroups(line[run:])
	rest = strings.TrimSpace(rest)
	if rest != "" {
		// Text behind an action is a slip; text behind bare backticks makes
		// the line content.
		if _, known := mergeActions(groups); !known {
			return nil, "", false
		}
	}
	return groups, rest, true
}

// block is a block of code that was written out.
type block struct {
	open int    // its first line in out
	head string // that line, up to the language
	tail string // what its info string holds behind that
	act  action
	body string
}

// fence handles a whole block of code, if line begins one.
func (n *normaliser) fence(line string) bool {
	f, ok := openFence(line)
	if !ok {
		return false
	}
	start := n.at
	n.at++
	if n.strayClose(f) {
		n.note(start, "there is no block of code for this to end; dropped")
		return true
	}
	var groups []string
	f.info = takeGroups(f.info, &groups, infoGroup)
	f.info = takeGroups(f.info, &groups, infoAction)
	body, rest, closed := n.body(f, &groups)
	if !closed {
		n.note(start, "this block of code is never closed; it ends with the page")
	}
	n.writeBlock(f, body)
	if a, _ := mergeActions(groups); a.verb != "" && a.verb != "open" {
		n.attach(n.closed, a)
	}
	for _, g := range groups {
		if _, known := parseAction(g); !known {
			n.note(n.at-1, "%q is no action; dropped", "{{"+g+"}}")
		}
	}
	n.putBack(rest)
	return true
}

// putBack makes rest, which stood behind the block that just ended, the next
// line.
func (n *normaliser) putBack(rest string) {
	if rest != "" {
		n.closed = nil
		n.at--
		n.lines[n.at] = rest
	}
}

// unfenced writes lines of text. One that only now looks like a fence, because
// something before it was taken away, is kept from being one.
func (n *normaliser) unfenced(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if f, ok := openFence(line); ok {
			line = f.prefix + `\` + line[len(f.prefix):]
		}
		n.out = append(n.out, line)
	}
}

// strayClose reports whether f is the end of a block whose beginning the
// author forgot: nothing but actions behind it, and the fences that follow pair
// up without it.
func (n *normaliser) strayClose(f fence) bool {
	groups, rest := leadingGroups(f.info)
	if _, known := mergeActions(groups); !known || strings.TrimSpace(rest) != "" {
		return false
	}
	if n.fences == nil {
		n.countFences()
	}
	next := n.fences[n.at]
	return next.named || next.count%2 == 0
}

// fencesAhead is what follows a line: how many fences, and whether the first
// of them names a language, so that it must begin a block.
type fencesAhead struct {
	count int
	named bool
}

func (n *normaliser) countFences() {
	n.fences = make([]fencesAhead, len(n.lines)+1)
	for i := len(n.lines) - 1; i >= 0; i-- {
		n.fences[i] = n.fences[i+1]
		if f, ok := openFence(n.lines[i]); ok {
			groups, rest := leadingGroups(f.info)
			n.fences[i] = fencesAhead{n.fences[i+1].count + 1, rest != "" && len(groups) == 0}
		}
	}
}

func takeGroups(info string, groups *[]string, form *regexp.Regexp) string {
	for _, m := range form.FindAllStringSubmatch(info, -1) {
		*groups = append(*groups, m[1])
	}
	return strings.TrimSpace(form.ReplaceAllString(info, ""))
}

// body takes the lines of a block up to the line that closes it, without the
// quote marks. rest is text that stands behind the end.
func (n *normaliser) body(f fence, groups *[]string) (body []string, rest string, closed bool) {
	quote := strings.Contains(f.prefix, ">")
	for ; n.at < len(n.lines); n.at++ {
		line := n.lines[n.at]
		if quote {
			q := quoted.FindString(line)
			if q == "" {
				return body, "", true // a quotation ends with its block
			}
			line = line[len(q):]
		}
		if g, rest, ok := f.closes(line); ok {
			n.at++
			*groups = append(*groups, g...)
			return body, rest, true
		}
		body = append(body, line)
	}
	for len(body) > 0 && strings.TrimSpace(body[len(body)-1]) == "" {
		body = body[:len(body)-1]
	}
	return body, "", false
}

// writeBlock writes a block in a form that every Markdown library reads: its
// indent no deeper than its list needs, its end like its beginning.
func (n *normaliser) writeBlock(f fence, body []string) {
	bare := strings.TrimSpace(f.prefix) == ""
	first, inner, indent := f.prefix, blankOut(f.prefix), columns(f.prefix)
	switch {
	case strings.Contains(f.prefix, ">"):
		indent = 0 // body took the quote marks off
	case bare && indent == 0:
		n.list = -1
	case bare:
		if container := max(n.list, 0); indent > container+3 {
			first = strings.Repeat(" ", container)
			inner = first
		}
	default:
		n.enter(f.prefix+"x", false)
		indent = len(f.prefix)
	}
	if len(n.out) > 0 {
		// HTML goes on to the next blank line, and would swallow the block.
		if last := strings.TrimSpace(n.out[len(n.out)-1]); strings.HasPrefix(last, "<") || strings.HasSuffix(last, ">") {
			n.out = append(n.out, "")
		}
	}
	b := &block{open: len(n.out), head: first + f.mark + f.info}
	n.out = append(n.out, b.head)
	if i := strings.IndexByte(f.info, '{'); i >= 0 {
		b.head, b.tail = first+f.mark+f.info[:i], " "+f.info[i:]
	}
	b.head = strings.TrimRight(b.head, " \t")
	text := make([]string, len(body))
	for i, line := range body {
		text[i] = outdent(line, indent)
	}
	if len(body) > 0 {
		b.body = n.code(strings.Join(text, "\n"))
		for line := range strings.SplitSeq(b.body, "\n") {
			if line != "" || strings.Contains(inner, ">") {
				line = inner + line
			}
			n.out = append(n.out, line)
		}
	}
	n.out = append(n.out, inner+f.mark)
	n.closed = b
}

// blankOut keeps quote marks and turns the rest of a prefix into blanks.
func blankOut(prefix string) string {
	out := []byte(prefix)
	for i, c := range out {
		if c != '>' && c != '\t' {
			out[i] = ' '
		}
	}
	return string(out)
}

// outdent takes up to indent columns of leading blanks off line.
func outdent(line string, indent int) string {
	col, i := 0, 0
	for ; i < len(line) && col < indent; i++ {
		switch line[i] {
		case ' ':
			col++
		case '\t':
			col += 4 - col%4
		default:
			return line[i:]
		}
	}
	return line[i:]
}

// attach makes b runnable or copyable.
func (n *normaliser) attach(b *block, a action) {
	if a.verb != "exec" && a.verb != "copy" {
		return
	}
	b.act = a
	n.out[b.open] = b.head + " {" + a.String() + "}" + b.tail
	if a.verb == "exec" {
		n.res.commands = append(n.res.commands, b.body)
		n.res.hosts = append(n.res.hosts, a.host)
	}
}
