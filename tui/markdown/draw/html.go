package draw

import (
	"strings"

	"github.com/yuin/goldmark/ast"

	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/words"
)

// htmlState is what raw HTML has opened and not closed yet. <details> usually
// spans several blocks, so it outlives any one of them.
type htmlState struct {
	details int  // how many are open
	summary bool // reading one
	text    strings.Builder
}

// folded reports whether what comes now is inside a closed <details>.
func (h *htmlState) folded(unfold bool) bool { return h.details > 0 && !unfold }

// htmlBlock turns the HTML that has a meaning here into Markdown, draws that,
// and drops the rest.
func (r *renderer) htmlBlock(n *ast.HTMLBlock, width int) []string {
	src := r.source(n)
	if n.HasClosure() {
		src += string(n.ClosureLine.Value(r.src))
	}
	var (
		out  []string
		text strings.Builder
		href []string
	)
	flush := func() {
		md := text.String()
		text.Reset()
		if strings.TrimSpace(md) == "" || r.html.folded(r.o.Unfold) {
			return
		}
		lines := strings.Split(md, "\n")
		for i := range lines {
			lines[i] = strings.TrimLeft(lines[i], " \t")
		}
		out = append(out, r.document(strings.Join(lines, "\n"), width)...)
	}
	for src != "" {
		t, rest := nextTag(src)
		if r.html.summary {
			r.html.text.WriteString(t.before)
		} else {
			text.WriteString(stray(t.before))
		}
		src = rest
		switch t.name {
		case "script", "style", "template", "svg", "object":
			src = after(src, "</"+t.name)
		case "details":
			flush()
			r.html.details++
		case "/details":
			r.html.summary = false
			flush()
			r.html.details = max(0, r.html.details-1)
		case "summary":
			flush()
			r.html.summary = true
			r.html.text.Reset()
		case "/summary":
			if r.html.summary {
				r.html.summary = false
				out = append(out, r.summary(r.html.text.String(), width)...)
			}
		default:
			if !r.html.summary {
				href = t.markdown(r.o.Words, &text, href)
			}
		}
	}
	flush()
	return out
}

// stray marks each < that begins no tag as text. Read again as Markdown, it
// would begin a block of HTML once more.
func stray(s string) string {
	if !strings.Contains(s, "<") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if s[i] == '<' && i+1 < len(s) && (isLetter(s[i+1]) || strings.IndexByte("/!?", s[i+1]) >= 0) {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// summary is the line that stands for a <details>.
func (r *renderer) summary(text string, width int) []string {
	if r.html.details > 1 && !r.o.Unfold {
		return nil
	}
	mark := "▸ "
	switch {
	case r.o.Linear:
		mark = r.o.Words.T("Details:") + " "
	case r.o.Unfold:
		mark = "▾ "
	}
	text = strings.Trim(safe.Line(decode(text)), "*_ ")
	if text == "" {
		text = r.o.Words.T("Details")
	}
	return prefix(r.wrap([]span{{text: text, codes: []string{r.ink.strong}}}, width-2), paint(mark, r.ink.mark), "  ")
}

// tag is one tag of HTML, with the text before it.
type tag struct {
	before string
	name   string // lower case, with a slash first when it closes; empty at the end
	attrs  string
}

// nextTag reads up to and with the next tag. Comments and declarations are
// tags without meaning.
func nextTag(s string) (tag, string) {
	for at := 0; ; {
		i := strings.IndexByte(s[at:], '<')
		if i < 0 {
			return tag{before: s}, ""
		}
		i += at
		if strings.HasPrefix(s[i:], "<!--") {
			return tag{before: s[:i], name: "!"}, after(s[i+4:], "-->")
		}
		n := i + 1
		for n < len(s) && (s[n] == '/' && n == i+1 || s[n] == '!' || s[n] == '?' || isLetter(s[n]) || n > i+1 && s[n] >= '0' && s[n] <= '9') {
			n++
		}
		end := closing(s, n)
		if n == i+1 || end < 0 {
			at = i + 1
			continue
		}
		return tag{before: s[:i], name: lower(s[i+1 : n]), attrs: s[n:end]}, s[end+1:]
	}
}

// closing finds the > that ends a tag, which may have others in its quotes.
func closing(s string, from int) int {
	quote := byte(0)
	for i := from; i < len(s) && i < from+4096; i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}

// after returns what follows the next word in s, to the end of its tag.
func after(s, word string) string {
	i := strings.Index(lower(s), word)
	if i < 0 {
		return ""
	}
	s = s[i+len(word):]
	if word[len(word)-1] == '>' {
		return s
	}
	if i = strings.IndexByte(s, '>'); i < 0 {
		return ""
	}
	return s[i+1:]
}

// attr returns the value of one attribute.
func (t tag) attr(name string) string {
	low := lower(t.attrs)
	for at := 0; ; {
		i := strings.Index(low[at:], name+"=")
		if i < 0 {
			return ""
		}
		i += at
		if i > 0 && low[i-1] > ' ' {
			at = i + 1
			continue
		}
		v := t.attrs[i+len(name)+1:]
		if v != "" && (v[0] == '"' || v[0] == '\'') {
			v, _, _ = strings.Cut(v[1:], v[:1])
			return v
		}
		if f := strings.Fields(v); len(f) > 0 {
			return strings.TrimSuffix(f[0], "/")
		}
		return ""
	}
}

// markdown writes what t means. href is the stack of open links.
func (t tag) markdown(sp words.Speaker, b *strings.Builder, href []string) []string {
	switch t.name {
	case "br", "br/":
		b.WriteString("  \n") // blanks, which are nothing where nothing is to be broken
	case "h1", "h2", "h3", "h4", "h5", "h6":
		b.WriteString("\n\n" + strings.Repeat("#", int(t.name[1]-'0')) + " ")
	case "li":
		b.WriteString("\n- ")
	case "hr", "hr/":
		b.WriteString("\n\n---\n\n")
	case "b", "/b", "strong", "/strong":
		b.WriteString("**")
	case "i", "/i", "em", "/em":
		b.WriteString("*")
	case "kbd", "/kbd", "code", "/code", "tt", "/tt":
		b.WriteString("`")
	case "/td", "/th":
		b.WriteString(" · ")
	case "img", "img/":
		b.WriteString(sp.Tf("[image: %s]", escape(orElse(t.attr("alt"), sp.T("no description")))))
	case "iframe", "video", "source":
		if src := t.attr("src"); safe.Link(src) {
			b.WriteString("\n\nVideo: <" + src + ">\n\n")
		}
	case "a":
		address := t.attr("href")
		if strings.ContainsAny(address, "<>\n") {
			address = ""
		}
		b.WriteString("[")
		return append(href, address)
	case "/a":
		if len(href) > 0 {
			b.WriteString("](<" + href[len(href)-1] + ">)")
			return href[:len(href)-1]
		}
	case "p", "/p", "div", "/div", "center", "/center", "ul", "/ul", "ol", "/ol", "tr", "/tr", "table", "/table",
		"blockquote", "/blockquote", "pre", "/pre", "section", "/section", "/h1", "/h2", "/h3", "/h4", "/h5", "/h6":
		b.WriteString("\n\n")
	}
	return href
}

// html reads one tag inside a sentence.
func (in *inline) html(s string) {
	t, _ := nextTag(s)
	k := in.r.ink
	style := map[string]string{"b": k.strong, "strong": k.strong, "i": k.emph, "em": k.emph, "kbd": k.code, "code": k.code, "s": k.strike, "del": k.strike}
	name := strings.TrimPrefix(t.name, "/")
	if code, ok := style[name]; ok {
		switch {
		case name == t.name:
			in.codes, in.tags = append(in.codes, code), append(in.tags, name)
		case len(in.tags) > 0 && in.tags[len(in.tags)-1] == name:
			in.codes, in.tags = in.codes[:len(in.codes)-1], in.tags[:len(in.tags)-1]
		}
		return
	}
	switch t.name {
	case "br", "br/":
		in.lineBreak()
	case "img", "img/":
		in.image(decode(t.attr("alt")))
	case "a":
		if address := decode(t.attr("href")); address != "" {
			in.add("("+address+") ", k.faint)
		}
	}
}

// separateDetails puts empty lines around the tags of <details>, so that the
// Markdown inside is read as such however tightly its author wrote it.
func separateDetails(src string) string {
	if low := lower(src); !strings.Contains(low, "<details") && !strings.Contains(low, "<summary") {
		return src
	}
	var b strings.Builder
	fence := ""
	for line := range strings.SplitAfterSeq(src, "\n") {
		trimmed := strings.TrimLeft(line, " \t")
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) && strings.Trim(trimmed, fence[:1]+" \r\n") == "" {
				fence = ""
			}
		case strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~"):
			n := len(trimmed) - len(strings.TrimLeft(trimmed, trimmed[:1]))
			fence = trimmed[:n]
		case !strings.HasPrefix(trimmed, ">"):
			line = breakTags(line, line[:len(line)-len(trimmed)])
		}
		b.WriteString(line)
	}
	return b.String()
}

func breakTags(line, indent string) string {
	low := lower(line)
	if !strings.Contains(low, "<details") && !strings.Contains(low, "</details") && !strings.Contains(low, "summary>") {
		return line
	}
	gap := "\n\n" + indent
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		rest := low[i:]
		before := strings.HasPrefix(rest, "<details") || strings.HasPrefix(rest, "</details")
		if !before && !strings.HasPrefix(rest, "</summary") || i > 0 && line[i-1] == '`' {
			b.WriteByte(line[i])
			continue
		}
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			b.WriteString(line[i:])
			break
		}
		if before && strings.TrimSpace(line[:i]) != "" {
			b.WriteString(gap)
		}
		b.WriteString(line[i : i+end+1])
		b.WriteString(gap)
		i += end
	}
	return b.String()
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// lower is ASCII only, so that positions in it are positions in s, whatever
// bytes s holds.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func escape(s string) string { return strings.NewReplacer("[", "(", "]", ")", "\n", " ").Replace(s) }

func orElse(s, fallback string) string {
	if strings.TrimSpace(s) == "" {
		return fallback
	}
	return s
}
