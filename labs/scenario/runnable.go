package scenario

import (
	"regexp"
	"strings"
)

// Runnable is a piece of a page's code that its author has the learner run.
type Runnable struct {
	Code string
	// Terminal and Host are 1 for the first one, which is the default.
	Terminal, Host int

	Interrupt bool // a Ctrl-C comes first
	NoEnter   bool // only typed: the learner ends the line
	Keys      bool // Code is keys to press, such as ^C
	Line      int  // where it stands in the text, from 1
}

// Runnables finds what a page in normal form has the learner run, in order.
func Runnables(text string) []Runnable { return codeOf(text, false) }

// Commands finds the blocks of code of a solution, whose authors seldom mark
// them as runnable: those that are marked when there are any, else each that
// is not of another language than the shell's.
func Commands(text string) []Runnable {
	if marked := codeOf(text, false); len(marked) > 0 {
		return marked
	}
	return codeOf(text, true)
}

var (
	markedInfo = regexp.MustCompile(`\{(exec[^{}]*)\}`)
	shellInfo  = regexp.MustCompile(`(?i)^(?:|bash|sh|shell|console|zsh|terminal|text|plain)$`)
)

func codeOf(text string, unmarked bool) (found []Runnable) {
	lines := strings.Split(text, "\n")
	for at := 0; at < len(lines); {
		f, ok := openFence(lines[at])
		if !ok {
			start := at
			for at++; at < len(lines); at++ {
				if _, fence := openFence(lines[at]); fence || strings.TrimSpace(lines[at]) == "" {
					break
				}
			}
			found = append(found, spansOf(strings.Join(lines[start:at], "\n"), start+1)...)
			continue
		}
		n := normaliser{lines: lines, at: at + 1}
		var groups []string
		body, _, _ := n.body(f, &groups)
		m := markedInfo.FindStringSubmatch(f.info)
		language, _, _ := strings.Cut(f.info, " ")
		if m != nil || unmarked && shellInfo.MatchString(language) {
			act := action{}
			if m != nil {
				act, _ = parseAction(m[1])
			}
			for i := range body {
				body[i] = outdent(body[i], columns(blankOut(f.prefix)))
			}
			found = append(found, runnable(act, strings.Join(body, "\n"), at+1))
		}
		at = max(n.at, at+1)
	}
	return found
}

// spansOf finds the code spans of a paragraph that can be run.
func spansOf(text string, line int) (found []Runnable) {
	runs := backticks(text)
	for i := 0; i < len(text); {
		switch text[i] {
		case '\\':
			i += 2
			continue
		case '`':
		default:
			i++
			continue
		}
		run := runLength(text[i:], '`')
		end := runs.next(run, i+run)
		if end < 0 {
			i += run
			continue
		}
		if groups, _ := leadingGroups(text[end+run:]); len(groups) > 0 {
			if act, known := mergeActions(groups); known && act.verb == "exec" {
				code := strings.ReplaceAll(text[i+run:end], "\n", " ")
				found = append(found, runnable(act, strings.TrimSpace(code), line+strings.Count(text[:i], "\n")))
			}
		}
		i = end + run
	}
	return found
}

func runnable(a action, code string, line int) Runnable {
	number := func(word string) int {
		if word == "" {
			return 1
		}
		return int(word[len(word)-1] - '0')
	}
	return Runnable{
		Code: code, Terminal: number(a.terminal), Host: number(a.host), Line: line,
		Interrupt: strings.Contains(a.flags, "interrupt"), NoEnter: strings.Contains(a.flags, "no-newline"), Keys: strings.Contains(a.flags, "ctrl-seq"),
	}
}

// placeholder is a word for the learner to replace.
var placeholder = regexp.MustCompile(`<[A-Za-z][A-Za-z0-9 _-]*>`)

// Placeholder reports whether the code holds something such as <your-name>,
// so that it can't be run as it stands. What only looks like one is in a
// here-document, say: HTML.
func (r Runnable) Placeholder() bool {
	return !strings.Contains(r.Code, "<<") && !strings.Contains(r.Code, "</") && placeholder.MatchString(r.Code)
}
