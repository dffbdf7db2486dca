package courses

import (
	"html"
	"regexp"
	"strings"
)

// longParagraph is how many bytes of speech stand together at least, before the end
// of a sentence ends a paragraph as well.
const longParagraph = 400

var (
	voice = regexp.MustCompile(`<v(?:\.[^ >]*)?[ \t]+([^>]*)>`)
	tag   = regexp.MustCompile(`<[^>]*>`)
	times = regexp.MustCompile(`(?m)^[ \t]*\d[\d:.,]*[ \t]+-->`)
	edges = regexp.MustCompile(`^(\d+)([.)])`)
)

// transcript is the text of a file about what is said in a video, as Markdown:
// Markdown as it is, and of subtitles (WebVTT, SubRip) what is spoken, without the
// times.
func transcript(src string) string {
	src = strings.ReplaceAll(strings.TrimPrefix(src, "\ufeff"), "\r\n", "\n")
	if !times.MatchString(src) {
		return src
	}
	var out []string // paragraphs
	var now strings.Builder
	end := func() {
		if now.Len() > 0 {
			out = append(out, now.String())
			now.Reset()
		}
	}
	last := ""
	for cue := range strings.SplitSeq(src, "\n\n") {
		lines := strings.Split(strings.Trim(cue, "\n"), "\n")
		from := 0
		for from < len(lines) && !times.MatchString(lines[from]) {
			from++
		}
		if from >= len(lines)-1 || strings.HasPrefix(lines[0], "NOTE") {
			continue // a head, a note, or nothing said
		}
		for _, l := range lines[from+1:] {
			who := ""
			if v := voice.FindStringSubmatch(l); v != nil {
				who = spoken(v[1])
			}
			if l = spoken(l); l == "" || l == last { // some repeat a line while the next one comes
				continue
			}
			last = l
			if who != "" || now.Len() > longParagraph && strings.ContainsAny(lastOf(now.String()), ".?!") {
				end()
			}
			if now.Len() > 0 {
				now.WriteByte(' ')
			} else if who != "" {
				now.WriteString("**" + who + "**: ")
			} else {
				l = edges.ReplaceAllString(l, `$1\$2`)
			}
			now.WriteString(l)
		}
	}
	end()
	return strings.Join(out, "\n\n")
}

var escapes = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "&", `\&`, "#", `\#`, "|", `\|`, "~", `\~`, "+", `\+`, "-", `\-`, "=", `\=`, "{", `\{`)

// spoken is a line of a cue as words that mean nothing in Markdown.
func spoken(line string) string {
	return escapes.Replace(strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(line, ""))), " "))
}

func lastOf(s string) string { return s[len(s)-1:] }
