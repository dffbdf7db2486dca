package scenario

import (
	"regexp"
	"strings"
)

var (
	questionLine = regexp.MustCompile(`^[ \t]*>>[ \t]*(.*?\S)[ \t]*<<[ \t]*$`)
	textAnswer   = regexp.MustCompile(`^[ \t]*(===|=~=)[ \t]*(.*?)[ \t]*$`)
	choiceAnswer = regexp.MustCompile(`^[ \t]*([\[(])([ *xX]?)([\])])[ \t]*(.*?)[ \t]*$`)
)

// question takes a quiz question with its answers, if line begins one. The
// page keeps the question and the choices, never which of them are right. What
// looks like a question and has no answers is ordinary text.
func (n *normaliser) question(line string) bool {
	m := questionLine.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	at := n.at + 1
	if at < len(n.lines) && strings.TrimSpace(n.lines[at]) == "" {
		at++
	}
	q := Question{Prompt: m[1]}
	for ; at < len(n.lines) && q.answer(n.lines[at]); at++ {
	}
	if q.Kind == "" {
		return false
	}
	q.Prompt = n.inline(q.Prompt, n.at)
	n.closed = nil
	if len(n.out) > 0 && strings.TrimSpace(n.out[len(n.out)-1]) != "" {
		n.out = append(n.out, "")
	}
	n.out = append(n.out, "**Question:** "+q.Prompt, "")
	for i, c := range q.Choices {
		q.Choices[i].Text = n.inline(c.Text, n.at)
		n.unfenced("- " + q.Choices[i].Text)
	}
	if len(q.Choices) > 0 && at < len(n.lines) && strings.TrimSpace(n.lines[at]) != "" {
		n.out = append(n.out, "")
	}
	n.res.quiz = append(n.res.quiz, q)
	n.at = at
	return true
}

// answer takes one answer line, if it is one of the question's kind.
func (q *Question) answer(line string) bool {
	if m := textAnswer.FindStringSubmatch(line); m != nil {
		if q.Kind != "" || m[2] == "" {
			return false
		}
		q.Kind, q.Answer, q.Contain = "text", m[2], m[1] == "=~="
		return true
	}
	m := choiceAnswer.FindStringSubmatch(line)
	if m == nil || m[4] == "" || (m[1] == "[") != (m[3] == "]") {
		return false
	}
	kind := "single"
	if m[1] == "[" {
		kind = "multiple"
	}
	if q.Kind != "" && q.Kind != kind {
		return false
	}
	q.Kind = kind
	q.Choices = append(q.Choices, Choice{Text: m[4], Right: m[2] != "" && m[2] != " "})
	return true
}
