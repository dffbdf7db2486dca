package scenario

import (
	"errors"
	"slices"
	"strings"
)

// Mark says whether an answer is right, and whether one that is not would be
// but for upper and lower case. A choice is its letter, a being the first, or
// its text. An error is why it can't be an answer at all, in words for whoever
// gave it.
func (q Question) Mark(given []string) (right, near bool, err error) {
	if q.Kind == "text" {
		right, near = q.markText(strings.TrimSpace(strings.Join(given, " ")))
		return right, near, nil
	}
	chosen := make([]bool, len(q.Choices))
	for _, g := range given {
		i := q.choiceOf(g)
		if i < 0 {
			return false, false, errors.New("a choice is answered with its letter: a is the first")
		}
		chosen[i] = true
	}
	if q.Kind == "single" && len(given) > 1 {
		return false, false, errors.New("this question takes one choice")
	}
	for i, c := range q.Choices {
		if c.Right != chosen[i] {
			return false, false, nil
		}
	}
	return true, false, nil
}

func (q Question) markText(given string) (right, near bool) {
	same := func(a, b string) bool { return a == b }
	if q.Contain {
		same = strings.Contains
	}
	want := strings.TrimSpace(q.Answer)
	right = same(given, want)
	return right, !right && same(strings.ToLower(given), strings.ToLower(want))
}

// choiceOf is the index of a choice by its letter or its text; -1 is none.
func (q Question) choiceOf(g string) int {
	g = strings.TrimSpace(g)
	if len(g) == 1 {
		if i := int(strings.ToLower(g)[0]) - 'a'; i >= 0 && i < len(q.Choices) {
			return i
		}
	}
	return slices.IndexFunc(q.Choices, func(c Choice) bool { return strings.EqualFold(strings.TrimSpace(c.Text), g) })
}

// Samples are a right answer and a wrong one. Either is nil when there is none:
// nobody can answer a choice of which nothing is right, nor miss one of which
// everything is.
func (q Question) Samples() (right, wrong []string) {
	if q.Kind == "text" {
		for _, w := range []string{"~", "0"} {
			if is, _ := q.markText(w); !is {
				return []string{q.Answer}, []string{w}
			}
		}
		return []string{q.Answer}, nil
	}
	for i, c := range q.Choices {
		name := c.Text
		if i < 26 {
			name = string(rune('a' + i))
		}
		switch {
		case c.Right && (q.Kind == "multiple" || right == nil):
			right = append(right, name)
		case !c.Right && wrong == nil:
			wrong = []string{name}
		case c.Right: // a single choice with two right ones takes neither
			return nil, []string{name}
		}
	}
	if wrong == nil && len(right) > 1 {
		wrong = right[:1]
	}
	return right, wrong
}
