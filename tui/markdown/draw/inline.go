package draw

import (
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"

	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/words"
)

// inline collects the spans of a block's sentence.
type inline struct {
	r     *renderer
	spans []span
	codes []string // in force
	href  string   // of the <a> or link being read
	code  string   // the code span just read, that an action may follow
	tags  []string // open raw HTML tags that changed codes
	cell  bool     // in a table, where a bar in code has a backslash
}

func (r *renderer) inline(n ast.Node, codes ...string) []span {
	in := &inline{r: r, codes: codes}
	_, in.cell = n.(*east.TableCell)
	in.children(n)
	return tick(n, in.spans)
}

// tick turns the [x] that a list item may begin with into a mark.
func tick(n ast.Node, spans []span) []span {
	if _, item := n.Parent().(*ast.ListItem); !item || n.PreviousSibling() != nil {
		return spans
	}
	text := ""
	for i := range spans {
		text += spans[i].text
		if len(text) < 4 && i+1 < len(spans) {
			continue
		}
		box, rest := "", ""
		switch {
		case len(text) < 4 || spans[i].brk:
			return spans
		case text[:4] == "[ ] ":
			box, rest = "[ ] ", text[4:]
		case text[:4] == "[x] " || text[:4] == "[X] ":
			box, rest = "[✓] ", text[4:]
		default:
			return spans
		}
		last := spans[i]
		last.text = rest
		return append([]span{{text: box}, last}, spans[i+1:]...)
	}
	return spans
}

func (in *inline) add(text string, codes ...string) {
	if text != "" {
		in.spans = append(in.spans, span{text: text, codes: append(slices.Clone(in.codes), codes...), href: in.href})
	}
}

func (in *inline) children(n ast.Node) {
	if in.r.depth >= maxDepth {
		in.add(in.r.words(n))
		return
	}
	in.r.depth++
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		in.node(c)
	}
	in.r.depth--
}

func (in *inline) node(n ast.Node) {
	code := in.code
	in.code = ""
	k := in.r.ink
	switch n := n.(type) {
	case *ast.Text:
		text := string(n.Segment.Value(in.r.src))
		if code != "" {
			text = in.action(code, text)
		}
		if !n.IsRaw() {
			text = decode(text)
		}
		in.add(text)
		switch {
		case n.HardLineBreak():
			in.lineBreak()
		case n.SoftLineBreak():
			in.add(" ")
		}
	case *ast.String:
		in.add(string(n.Value))
	case *ast.CodeSpan:
		in.code = in.r.words(n)
		if in.cell {
			in.code = strings.ReplaceAll(in.code, `\|`, "|")
		}
		shown := in.code
		if !in.r.o.Styled || k.code == "" {
			shown = "`" + shown + "`"
		}
		in.add(shown, k.code)
	case *ast.Emphasis:
		style := k.emph
		if n.Level >= 2 {
			style = k.strong
		}
		in.with(style, n)
	case *east.Strikethrough:
		if !in.r.o.Styled {
			in.add("~~")
			defer in.add("~~")
		}
		in.with(k.strike, n)
	case *ast.Link:
		in.link(decode(string(n.Destination)), n, in.r.words(n))
	case *ast.AutoLink:
		address, label := string(n.URL(in.r.src)), string(n.Label(in.r.src))
		in.link(address, nil, label)
	case *ast.Image:
		in.image(in.r.words(n))
	case *ast.RawHTML:
		var b strings.Builder
		for i := range n.Segments.Len() {
			s := n.Segments.At(i)
			b.Write(s.Value(in.r.src))
		}
		in.html(b.String())
	default:
		in.children(n)
	}
}

func (in *inline) with(code string, n ast.Node) {
	in.codes = append(in.codes, code)
	in.children(n)
	in.codes = in.codes[:len(in.codes)-1]
}

func (in *inline) lineBreak() {
	in.spans = append(in.spans, span{brk: true})
}

// link writes n, or text, as a link to address. The address is shown beside
// the text when it can't be clicked, or when the text claims to be another.
func (in *inline) link(address string, n ast.Node, text string) {
	clickable := in.r.o.Links && safe.Link(address) && in.href == ""
	if clickable {
		in.href = address
	}
	in.codes = append(in.codes, in.r.ink.link)
	if n != nil {
		in.children(n)
	} else {
		in.add(text)
	}
	in.codes = in.codes[:len(in.codes)-1]
	if clickable {
		in.href = ""
	}
	text = strings.TrimSpace(text)
	switch {
	case address == "" || strings.HasPrefix(address, "#") || text == address || "mailto:"+text == address:
	case !clickable, misleads(text, address):
		in.add(" (" + address + ")")
	}
}

// misleads reports whether text looks like an address on another host.
func misleads(text, address string) bool {
	if strings.ContainsAny(text, " \n") || !strings.Contains(text, ".") {
		return false
	}
	_, host, found := strings.Cut(text, "://")
	if !found {
		host = text
	}
	host, _, _ = strings.Cut(host, "/")
	u, err := url.Parse(address)
	return err != nil || !strings.EqualFold(host, u.Host)
}

func (in *inline) image(alt string) {
	if alt = safe.Line(alt); alt == "" {
		alt = in.r.o.Words.T("no description")
	}
	in.add(in.r.o.Words.Tf("[image: %s]", alt), in.r.ink.faint)
}

// action reads the {{exec}}, {{copy}} or {{open}} that may follow a code span, marks the
// span with its number, and returns the text behind it. Any other double
// braces are content.
func (in *inline) action(code, text string) string {
	inner, ok := strings.CutPrefix(strings.TrimLeft(text, " "), "{{")
	if !ok {
		return text
	}
	words, rest, ok := strings.Cut(inner, "}}")
	if !ok {
		return text
	}
	b := markdown.Block{Code: code, Inline: true}
	if !action(&b, words) {
		return text
	}
	in.add(" "+in.r.number(b), in.r.ink.mark)
	if b.Open {
		in.add(" "+in.r.o.Words.T("edit"), in.r.ink.faint)
	}
	if where := where(in.r.o.Words, b); where != "" {
		in.add(where, in.r.ink.faint)
	}
	return rest
}

// action sets what words ("exec", "copy", "exec interrupt") say, and reports
// whether they say anything.
func action(b *markdown.Block, words string) bool {
	known := false
	for _, w := range strings.Fields(strings.ToLower(words)) {
		switch w {
		case "no-newline":
			b.NoEnter = true
		case "ctrl-seq":
			b.Keys = true
		case "exec", "execute":
			b.Exec, known = true, true
		case "copy":
			known = true
		case "open":
			b.Open, known = true, true
		case "interrupt":
			b.Interrupt = true
		default:
			if n, ok := strings.CutPrefix(w, "host"); ok {
				b.Host = digit(n)
			} else if n, ok := strings.CutPrefix(w, "t"); ok {
				b.Terminal = digit(n)
			}
		}
	}
	return known
}

// digit is the one that s is, from 1, and 0 for anything else.
func digit(s string) int {
	if len(s) != 1 || s[0] < '1' || s[0] > '9' {
		return 0
	}
	return int(s[0] - '0')
}

// where says in which terminal, and on which of the lab's hosts, b is to run,
// where that isn't the first.
func where(sp words.Speaker, b markdown.Block) string {
	s := ""
	if b.Host > 1 {
		s += sp.Tf(" on host %d", b.Host)
	}
	if b.Terminal > 1 {
		s += sp.Tf(" in terminal %d", b.Terminal)
	}
	return s
}

func label(n int) string { return fmt.Sprintf("[%d]", n) }

// number files b and returns its mark.
func (r *renderer) number(b markdown.Block) string {
	if r.html.folded(r.o.Unfold) {
		return ""
	}
	b.Number = r.o.From + len(r.blocks) + 1
	r.blocks = append(r.blocks, b)
	return label(b.Number)
}

// words returns the text of n without its style.
func (r *renderer) words(n ast.Node) string {
	var b strings.Builder
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch c := c.(type) {
		case *ast.Text:
			v := string(c.Segment.Value(r.src))
			if _, code := c.Parent().(*ast.CodeSpan); !code && !c.IsRaw() {
				v = decode(v)
			}
			b.WriteString(strings.ReplaceAll(v, "\n", " "))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(c.Value)
		case *ast.AutoLink:
			b.Write(c.Label(r.src))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// decode resolves backslash escapes and character references, once.
func decode(s string) string {
	if !strings.ContainsAny(s, `\&`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && strings.IndexByte("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", s[i+1]) >= 0:
			i++
			b.WriteByte(s[i])
		case c == '&':
			end := strings.IndexByte(s[i:min(len(s), i+40)], ';')
			if end < 0 {
				b.WriteByte(c)
				continue
			}
			b.WriteString(html.UnescapeString(s[i : i+end+1]))
			i += end
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
