package draw

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"

	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/words"
)

// children draws the blocks inside n, an empty line between any two.
func (r *renderer) children(n ast.Node, width int) []string {
	var out []string
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		lines := r.block(c, max(width, 10))
		if len(lines) == 0 {
			continue
		}
		if _, tight := c.(*ast.TextBlock); len(out) > 0 && !tight && !tightList(c) {
			out = append(out, "")
		}
		out = append(out, lines...)
	}
	return out
}

// tightList reports whether n is a list that sits directly under its item.
func tightList(n ast.Node) bool {
	l, ok := n.(*ast.List)
	if !ok || !l.IsTight {
		return false
	}
	_, inItem := l.Parent().(*ast.ListItem)
	return inItem
}

// block draws n, unless it is folded away.
func (r *renderer) block(n ast.Node, width int) []string {
	if h, ok := n.(*ast.HTMLBlock); ok {
		return r.htmlBlock(h, width)
	}
	if r.html.summary {
		r.html.text.WriteString(" " + r.words(n))
		return nil
	}
	if r.html.folded(r.o.Unfold) {
		return nil
	}
	if r.depth >= maxDepth {
		return r.wrap([]span{{text: r.words(n)}}, width)
	}
	r.depth++
	defer func() { r.depth-- }()
	switch n := n.(type) {
	case *ast.Heading:
		return r.heading(n, width)
	case *ast.Paragraph, *ast.TextBlock:
		return r.wrap(r.inline(n), width)
	case *ast.FencedCodeBlock:
		return r.fence(n, width)
	case *ast.CodeBlock:
		return r.code(r.source(n), "", width)
	case *ast.Blockquote:
		return r.quote(n, width)
	case *ast.List:
		return r.list(n, width)
	case *ast.ThematicBreak:
		if r.o.Linear {
			return nil
		}
		return []string{paint(strings.Repeat("─", min(width, 40)), r.ink.faint)}
	case *east.Table:
		return r.table(n, width)
	case *ast.LinkReferenceDefinition:
		return nil
	}
	return r.children(n, width)
}

// heading is bold; the two upper levels also have a rule below, which shows
// without bold.
func (r *renderer) heading(n *ast.Heading, width int) []string {
	lines := r.wrap(r.inline(n, r.ink.heading), width)
	rule := map[int]string{1: "━", 2: "─"}[n.Level]
	if len(lines) == 0 {
		return lines
	}
	widest := 0
	for _, l := range lines {
		widest = max(widest, ansi.StringWidth(l))
	}
	r.headings = append(r.headings, markdown.Heading{Level: n.Level, Text: safe.Line(ansi.Strip(strings.Join(lines, " ")))})
	if r.o.Linear {
		lines[0] = r.o.Words.Tf("Heading %d: %s", len(r.headings), lines[0])
	}
	lines[0] = marked(len(r.headings)-1) + lines[0]
	if rule == "" || r.o.Linear {
		return lines
	}
	return append(lines, paint(strings.Repeat(rule, widest), r.ink.faint))
}

func (r *renderer) quote(n ast.Node, width int) []string {
	lines := r.children(n, width-2)
	if len(lines) > 0 {
		name, ok := alert(r.o.Words, lines[0])
		switch {
		case ok:
			lines[0] = paint(name, r.ink.note)
		case r.o.Linear:
			lines[0] = r.o.Words.T("Quote:") + " " + lines[0]
		}
	}
	if r.o.Linear {
		return lines
	}
	bar := paint("▌", r.ink.faint) + " "
	return prefix(lines, bar, bar)
}

// alert reads the "[!NOTE]" that a quote may begin with.
func alert(sp words.Speaker, line string) (string, bool) {
	word, ok := strings.CutPrefix(ansi.Strip(line), "[!")
	if !ok {
		return "", false
	}
	word, rest, ok := strings.Cut(word, "]")
	if !ok {
		return "", false
	}
	names := map[string]string{
		"NOTE": words.Mark("Note"), "TIP": words.Mark("Tip"), "IMPORTANT": words.Mark("Important"), "WARNING": words.Mark("Warning"), "CAUTION": words.Mark("Caution"),
	}
	name, ok := names[strings.ToUpper(word)]
	name = sp.T(name)
	if rest = strings.TrimSpace(rest); ok && rest != "" {
		name += ": " + rest
	}
	return name, ok
}

func (r *renderer) list(n *ast.List, width int) []string {
	var out []string
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		mark := "• "
		if r.o.Linear {
			mark = "- "
		}
		if n.IsOrdered() {
			mark = fmt.Sprintf("%d. ", number)
			number++
		}
		if r.task(item) {
			mark = "" // the box is mark enough
		}
		lines := r.children(item, width-len([]rune(mark)))
		if len(lines) == 0 {
			lines = []string{""}
		}
		if !n.IsTight && len(out) > 0 {
			out = append(out, "")
		}
		indent := strings.Repeat(" ", len([]rune(mark)))
		out = append(out, prefix(lines, paint(mark, r.ink.faint), indent)...)
	}
	return out
}

func (r *renderer) task(item ast.Node) bool {
	if item.FirstChild() == nil {
		return false
	}
	words := r.words(item.FirstChild())
	return strings.HasPrefix(words, "[ ] ") || strings.HasPrefix(words, "[x] ") || strings.HasPrefix(words, "[X] ")
}

// source returns the lines of a code block as written.
func (r *renderer) source(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		s := n.Lines().At(i)
		b.Write(s.Value(r.src))
	}
	return b.String()
}

// fence draws a fenced block; "{exec}" or "{copy}" in its info string gives it
// a number, and so do Options.Bare all.
func (r *renderer) fence(n *ast.FencedCodeBlock, width int) []string {
	info := ""
	if n.Info != nil {
		info = decode(string(n.Info.Segment.Value(r.src)))
	}
	b := markdown.Block{Code: r.source(n)}
	lang, groups, _ := strings.Cut(info, "{")
	words := ""
	for g := range strings.SplitSeq(groups, "{") {
		g, _, _ = strings.Cut(g, "}")
		if !fileOf(&b, g) && words == "" {
			words = g
		}
	}
	if f := strings.Fields(lang); len(f) > 0 {
		b.Lang = f[0]
	}
	title := safe.Line(b.Lang)
	switch strings.ToLower(title) {
	case "plain", "text", "txt", "none": // says nothing to a reader
		title = ""
	}
	if action(&b, words) || r.o.Bare && strings.TrimSpace(b.Code) != "" {
		title = strings.TrimSpace(paint(r.number(b), r.ink.mark) + " " + title)
		switch {
		case b.File.Path != "":
			title += paint(" "+becomes(r.o.Words, b.File), r.ink.faint)
		case !b.Exec:
			title += paint(" "+r.o.Words.T("copy"), r.ink.faint)
		}
		if where := where(r.o.Words, b); where != "" {
			title += paint(where, r.ink.faint)
		}
	}
	return r.code(b.Code, title, width)
}

// fileOf reads what the info string says of the file that a block is for, and
// reports whether that is what it says.
func fileOf(b *markdown.Block, group string) bool {
	if !strings.HasPrefix(group, "file=") {
		return false
	}
	f := markdown.File{How: "replace"}
	for _, w := range strings.Fields(group) {
		name, value, _ := strings.Cut(w, "=")
		value, err := url.PathUnescape(value)
		switch {
		case err != nil:
		case name == "file":
			f.Path = safe.Line(value)
		case name == "target":
			f.How = value
		case name == "marker":
			f.Marker = safe.Text(value)
		}
	}
	switch f.How {
	case "replace", "insert", "append", "prepend":
		b.File = f
	}
	return true
}

// becomes says what becomes of the file.
func becomes(sp words.Speaker, f markdown.File) string {
	does := map[string]string{
		"insert": words.Mark("insert into %s"), "append": words.Mark("append to %s"), "prepend": words.Mark("put before %s"),
	}[f.How]
	return sp.Tf(orElse(does, words.Mark("write to %s")), f.Path)
}

// code draws lines behind a gutter. One that is too long goes on behind a
// broken gutter: a terminal can't scroll sideways.
func (r *renderer) code(code, title string, width int) []string {
	if r.o.Linear {
		return r.aloud(code, title)
	}
	bar, cont := paint("│", r.ink.faint)+" ", paint("┆", r.ink.faint)+" "
	var out []string
	if title != "" {
		out = append(out, paint("╭", r.ink.faint)+" "+ansi.Truncate(title, width-2, "…"))
	}
	code = strings.TrimRight(safe.Text(code), "\n")
	for line := range strings.SplitSeq(code, "\n") {
		line = strings.ReplaceAll(line, "\t", "    ")
		gutter := bar
		for {
			head, rest := split(line, width-2)
			if head == "" && rest != "" {
				head, rest = first(rest)
			}
			if i := strings.LastIndexByte(head, ' '); rest != "" && i > len(head)/2 {
				head, rest = head[:i+1], head[i+1:]+rest
			}
			out = append(out, gutter+paint(head, r.ink.code))
			if rest == "" {
				break
			}
			line, gutter = rest, cont
		}
	}
	return out
}

// aloud is code with its begin and end in words.
func (r *renderer) aloud(code, title string) []string {
	lines := strings.Split(strings.TrimRight(safe.Text(code), "\n"), "\n")
	begin := r.o.Words.T("Code:")
	if title != "" {
		begin = r.o.Words.Tf("Code %s:", title)
	}
	return append(append([]string{begin}, lines...), r.o.Words.T("End of code."))
}
