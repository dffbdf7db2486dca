package scenario

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

var (
	preOpen   = regexp.MustCompile(`(?i)<pre(?:\s[^>]*)?>`)
	fileClass = regexp.MustCompile(`(?i)\sclass\s*=\s*["']?[^"'>]*\bfile\b`)
	preEnd    = regexp.MustCompile(`(?i)</pre\s*>`)
	preTags   = regexp.MustCompile(`(?i)</?(?:code|samp|kbd|b|i|em|strong|span)(?:\s[^>]*)?>`)
	attr      = regexp.MustCompile(`(?i)data-(filename|target|marker)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))`)
)

// findPre finds the tag that opens a block, which one in code doesn't.
func findPre(line string) []int {
	at := preOpen.FindStringIndex(line)
	if at != nil && at[0] > 0 && line[at[0]-1] == '`' {
		return nil
	}
	return at
}

// fileBlock turns a <pre> block into a block of code, unless there is Markdown
// to run in it. The info string of a <pre class="file"> says what the platform's editor did with it: {copy} for the
// clipboard, {file=PATH target=replace marker=TEXT} for a file, values
// percent-encoded.
func (n *normaliser) fileBlock(line string) bool {
	open := findPre(line)
	if open == nil || n.noPre {
		return false
	}
	start := n.at
	tag, rest := line[open[0]:open[1]], line[open[1]:]
	var body []string
	for {
		if end := preEnd.FindStringIndex(rest); end != nil {
			body = append(body, rest[:end[0]])
			rest = strings.TrimSpace(rest[end[1]:])
			break
		}
		body = append(body, rest)
		if n.at++; n.at == len(n.lines) {
			n.at, n.noPre = start, true
			n.note(start, "<pre> is never closed")
			return false
		}
		rest = n.lines[n.at]
	}
	if !fileClass.MatchString(tag) {
		if strings.Contains(strings.Join(body, "\n"), "`{{") {
			n.at = start
			return false
		}
		for i, l := range body {
			body[i] = preTags.ReplaceAllString(l, "")
		}
	}
	n.at++
	before := line[:open[0]]
	if strings.TrimSpace(before) != "" {
		n.unfenced(n.inline(before, start))
		before = ""
	}
	n.writeFile(before, tag, body)
	if groups, after := leadingGroups(rest); len(groups) > 0 {
		rest = strings.TrimSpace(after) // the block says itself what it is for
	}
	n.putBack(rest)
	return true
}

func (n *normaliser) writeFile(indent, tag string, body []string) {
	if len(body) > 1 && strings.TrimSpace(body[0]) == "" {
		body = body[1:]
	}
	text := html.UnescapeString(strings.Join(body, "\n"))
	text = strings.NewReplacer("\x00", "", "\r", "").Replace(strings.TrimRight(text, " \t\n"))
	mark := "```"
	for strings.Contains(text, mark) {
		mark += "`"
	}
	given := map[string]string{}
	for _, m := range attr.FindAllStringSubmatch(tag, -1) {
		given[strings.ToLower(m[1])] = html.UnescapeString(m[2] + m[3] + m[4])
	}
	target := strings.ToLower(given["target"])
	switch target {
	case "replace", "insert", "append", "prepend", "clipboard":
	default:
		target = ""
		if given["filename"] != "" {
			target = "replace"
		}
	}
	info := ""
	if target != "" && target != "clipboard" && given["filename"] != "" {
		info = "{file=" + percent(given["filename"]) + " target=" + target
		if given["marker"] != "" {
			info += " marker=" + percent(given["marker"])
		}
		info += "}"
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = indent + lines[i] // which writeBlock takes off again
	}
	n.writeBlock(fence{prefix: indent, mark: mark, info: info}, lines)
	if target != "" {
		n.attach(n.closed, action{verb: "copy"})
	}
}

// percent encodes what could end a value or an info string, and leaves slashes
// readable.
func percent(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), "%2F", "/")
}
