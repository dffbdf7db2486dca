// Package courses reads a course from a folder: course.yaml, lessons in
// Markdown, quizzes, and labs in the scenario format. It also holds the
// courses a new installation starts with. docs/authoring.md is the format, for
// authors.
//
// A folder is taken as hostile: it is bounded, never followed out of, and
// every mistake in it is reported with its place. Publishing and storing are
// left to the server, drawing to others.
package courses

import (
	"embed"
	"io/fs"
	"iter"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

// Course is one course, ready to be published.
type Course struct {
	// Document is the course with its lessons' bodies, and with its labs as
	// lists show them. ID, Version and times are left to whoever publishes.
	Document hub.Course
	// Answers is what a quiz is marked with, by lesson and then by question.
	Answers map[string]map[string]Answer
	// Labs are the scenarios of Document.Labs, in the same order. Their Slug
	// is set.
	Labs []*scenario.Scenario
	// Hash names the content of the whole folder.
	Hash string
}

// Answer is what makes a question right, and why.
type Answer struct {
	Right       []string `json:"right"` // choice ids; for text, every accepted answer
	Explanation string   `json:"explanation,omitempty"`
}

// Problem is one mistake in a course folder, safe to show to its author.
type Problem struct {
	File      string
	Line, Col int // 0 when it concerns the whole file
	Text      hub.Phrase
}

// Phrase is the problem as a line.
func (p Problem) Phrase() hub.Phrase {
	switch {
	case p.Line == 0:
		return hub.Phrasef("%s: %s", p.File, p.Text)
	case p.Col == 0:
		return hub.Phrasef("%s:%d: %s", p.File, p.Line, p.Text)
	}
	return hub.Phrasef("%s:%d:%d: %s", p.File, p.Line, p.Col, p.Text)
}

func (p Problem) String() string { return p.Phrase().String() }

// Error is why a folder could not be read: at least one Problem, in the order
// of the files.
type Error struct{ Problems []Problem }

func (e *Error) Error() string { return e.Phrase().String() }

// Phrase is all of them, a line each.
func (e *Error) Phrase() hub.Phrase {
	all := e.Problems[0].Phrase()
	for _, p := range e.Problems[1:] {
		all = hub.Phrasef("%s\n%s", all, p.Phrase())
	}
	return all
}

// The starter courses are the folders whose names hold a hyphen.
//
//go:embed all:*-*
var starter embed.FS

// Starter goes through the folders of the courses that come with the server, by
// name.
func Starter() iter.Seq2[string, fs.FS] {
	return func(yield func(string, fs.FS) bool) {
		entries, _ := starter.ReadDir(".") // what is compiled in can be read
		for _, e := range entries {
			if !e.IsDir() {
				continue
			}
			if folder, err := fs.Sub(starter, e.Name()); err == nil && !yield(e.Name(), folder) {
				return
			}
		}
	}
}
