package courses

import (
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
)

const (
	defaultPass  = 70 // percent
	maxQuestions = 100
	maxChoices   = 20
)

// quiz reads a quiz file. What learners see and what marks their answers are
// kept apart from here on.
func (f *folder) quiz(name string) (*hub.Quiz, map[string]Answer) {
	root, ok := f.yamlFile(name)
	if !ok {
		return nil, nil
	}
	root.known("pass", "questions")
	root.require("questions")
	q := &hub.Quiz{Pass: defaultPass, Questions: []hub.Question{}}
	if v := root.get("pass"); !v.absent() {
		q.Pass = v.number(1, 100)
	}
	answers := map[string]Answer{}
	list := root.get("questions")
	items := list.list()
	if !list.absent() && len(items) == 0 || len(items) > maxQuestions {
		list.problem("a quiz has from 1 to %d questions.", maxQuestions)
		return nil, nil
	}
	for _, item := range items {
		m, ok := item.fields()
		if !ok {
			continue
		}
		question, answer := m.question()
		if _, twice := answers[question.ID]; twice && question.ID != "" {
			m.get("id").problem("another question has the id %s; every question has its own.", question.ID)
		}
		q.Questions = append(q.Questions, question)
		answers[question.ID] = answer
	}
	return q, answers
}

func (m fields) question() (hub.Question, Answer) {
	m.known("id", "kind", "prompt", "choices", "answer", "explanation")
	m.require("id", "kind", "prompt", "answer")
	q := hub.Question{
		ID:     m.get("id").slug(),
		Kind:   m.get("kind").oneOf([]string{hub.Single, hub.Multiple, hub.Text}),
		Prompt: m.get("prompt").prose(maxProse),
	}
	a := Answer{Right: m.get("answer").texts(500), Explanation: m.get("explanation").prose(maxProse)}
	choices := m.get("choices")
	for _, item := range choices.list() {
		if c, ok := item.fields(); ok {
			c.known("id", "text")
			c.require("id", "text")
			choice := hub.Choice{ID: c.get("id").slug(), Text: c.get("text").prose(1000)}
			if slices.ContainsFunc(q.Choices, func(o hub.Choice) bool { return o.ID == choice.ID }) && choice.ID != "" {
				c.get("id").problem("another choice has the id %s; every choice has its own.", choice.ID)
			}
			q.Choices = append(q.Choices, choice)
		}
	}
	m.sane(q, a)
	return q, a
}

// sane reports a question that nobody could answer, or that everybody would.
func (m fields) sane(q hub.Question, a Answer) {
	answer, choices := m.get("answer"), m.get("choices")
	if !answer.absent() && len(a.Right) == 0 {
		answer.problem("lists no right answer; add one.")
	}
	if q.Kind == hub.Text {
		if len(q.Choices) > 0 {
			choices.problem("a question of kind text has no choices; remove them, or change the kind.")
		}
		return
	}
	if q.Kind == "" {
		return
	}
	if len(q.Choices) < 2 || len(q.Choices) > maxChoices {
		choices.problem("a question of kind %s has from 2 to %d choices.", q.Kind, maxChoices)
		return
	}
	for i, id := range a.Right {
		if !slices.ContainsFunc(q.Choices, func(c hub.Choice) bool { return c.ID == id }) {
			answer.problem("%s is not the id of a choice.", clean(id))
		}
		if slices.Contains(a.Right[:i], id) {
			answer.problem("%s is there twice; keep one.", clean(id))
		}
	}
	if q.Kind == hub.Single && len(a.Right) > 1 {
		answer.problem("a question of kind single has one right answer; keep one, or make the kind multiple.")
	}
}

// Mark marks one question's answer. What is typed is compared without regard
// to case and spacing.
func (a Answer) Mark(kind string, given []string) bool {
	if kind == hub.Text {
		return len(given) == 1 && slices.ContainsFunc(a.Right, func(right string) bool { return fold(right) == fold(given[0]) })
	}
	if len(given) != len(a.Right) || len(given) == 0 {
		return false
	}
	for i, id := range given {
		if !slices.Contains(a.Right, id) || slices.Contains(given[:i], id) {
			return false
		}
	}
	return true
}

func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
