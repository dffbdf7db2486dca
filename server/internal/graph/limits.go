package graph

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cloudmastershub/cmh/client/hub"
)

// What one request may be. They bound the work of looking at it, and then that
// of answering it.
const (
	maxQuery  = 64 << 10 // bytes
	maxTokens = 4000
	maxDepth  = 10     // fields below one another; the schema's own are apart
	maxFields = 500    // with fragments spread out, of all its operations
	maxRoots  = 20     // fields of Query or Mutation
	maxCost   = 20_000 // see costs
	maxAtOnce = 4      // root fields that are answered at the same time
)

// extent is the size of a selection with its fragments spread out.
type extent struct{ fields, depth int }

// beside adds what is selected beside it.
func (e *extent) beside(o extent) {
	e.fields = min(e.fields+o.fields, 2*maxFields)
	e.depth = max(e.depth, o.depth)
}

// bounds refuses a document that is too large to be looked at closely. It comes
// before validation, whose work grows with the square of the fields, and each
// fragment is measured once, whatever spreads it.
func bounds(doc *ast.QueryDocument, introspection bool) gqlerror.List {
	m := measure{doc: doc, done: map[string]extent{}, open: map[string]bool{}, introspection: introspection}
	var all extent
	if len(doc.Operations) == 0 {
		m.wrong("There is no operation.", nil)
	}
	for _, o := range doc.Operations {
		m.directives(o.Directives)
		for _, v := range o.VariableDefinitions {
			m.value(v.DefaultValue)
			m.directives(v.Directives)
		}
		all.beside(m.set(o.SelectionSet))
	}
	for _, f := range doc.Fragments {
		m.directives(f.Directives)
		all.beside(m.fragment(f.Name))
	}
	switch {
	case m.errs != nil:
		return m.errs
	case all.fields > maxFields:
		m.wrong(fmt.Sprintf("This selects more than %d fields, with its fragments spread out: ask for less, or in several requests.", maxFields), nil)
	case all.depth > maxDepth:
		m.wrong(fmt.Sprintf("This is %d fields deep, and may be %d: ask for what lies deeper by its id, in another request.", all.depth, maxDepth), nil)
	}
	return m.errs
}

type measure struct {
	doc           *ast.QueryDocument
	done          map[string]extent
	open          map[string]bool
	introspection bool
	errs          gqlerror.List
}

func (m *measure) wrong(message string, at *ast.Position) {
	e := gqlerror.Errorf("%s", message)
	if at != nil {
		e.Locations = []gqlerror.Location{{Line: at.Line, Column: at.Column}}
	}
	m.errs = append(m.errs, e)
}

func (m *measure) set(set ast.SelectionSet) (e extent) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			m.directives(s.Directives)
			m.arguments(s.Arguments)
			in := m.set(s.SelectionSet)
			in.fields++
			in.depth++
			if s.Name == "__schema" || s.Name == "__type" {
				in.depth = 1 // validation bounds it
				if !m.introspection {
					m.wrong("This hub does not tell its schema: docs/schema.graphql in its source does.", s.Position)
				}
			}
			e.beside(in)
		case *ast.InlineFragment:
			m.directives(s.Directives)
			e.beside(m.set(s.SelectionSet))
		case *ast.FragmentSpread:
			m.directives(s.Directives)
			e.beside(m.fragment(s.Name))
		}
	}
	return e
}

func (m *measure) fragment(name string) extent {
	if e, ok := m.done[name]; ok || m.open[name] { // which validation refuses
		return e
	}
	f := m.doc.Fragments.ForName(name)
	if f == nil {
		return extent{}
	}
	m.open[name] = true
	e := m.set(f.SelectionSet)
	delete(m.open, name)
	if strings.HasPrefix(f.TypeCondition, "__") {
		e.depth = min(e.depth, 1) // as what it is spread in
	}
	m.done[name] = e
	return e
}

func (m *measure) directives(all ast.DirectiveList) {
	for _, d := range all {
		m.arguments(d.Arguments)
	}
}

func (m *measure) arguments(all ast.ArgumentList) {
	for _, a := range all {
		m.value(a.Value)
	}
}

// value refuses texts that no text here is. Those of variables have been looked
// at with the body they came in.
func (m *measure) value(v *ast.Value) {
	if v == nil {
		return
	}
	if (v.Kind == ast.StringValue || v.Kind == ast.BlockValue) && (strings.ContainsRune(v.Raw, 0) || !utf8.ValidString(v.Raw)) {
		m.wrong("A text holds a character that no text here has.", v.Position)
	}
	for _, c := range v.Children {
		m.value(c.Value)
	}
}

// What a list is taken to hold, where nobody says how many.
const (
	someLessons   = 10
	someLabs      = 5
	someSteps     = 8
	someCourses   = 10
	someMerits    = 10
	someQuestions = 3
	someChoices   = 4
)

// costs is what fields cost: each is 1 and what is below it, that many times as
// there may be of it. A text costs more, as it is longer than all else; and so do
// changes.
var costs = func() (c ComplexityRoot) {
	times := func(n int) func(int) int { return func(below int) int { return 1 + n*below } }
	text := func(int) int { return 10 }
	change := func(below int) int { return 100 + below }
	courses := func(below int, _ *hub.CourseFilter, first *int, _ *string) int { return times(page(first))(below) }
	labs := func(below int, _ *hub.LabFilter, first *int, _ *string) int { return times(page(first))(below) }

	c.Query.Courses, c.Query.CoursesConnection = courses, courses
	c.Query.Labs, c.Query.LabsConnection = labs, labs
	c.Query.LabHistory = func(below int, _ *string, first *int, _ *string) int { return times(page(first))(below) }
	c.Query.Progress, c.User.Progress = times(someCourses), times(someCourses)
	c.Query.Achievements, c.User.Achievements = times(someMerits), times(someMerits)
	c.User.LabSessions = times(someCourses)
	c.Course.Lessons, c.CourseProgress.Lessons = times(someLessons), times(someLessons)
	c.Course.Labs, c.CourseProgress.Labs = times(someLabs), times(someLabs)
	c.Quiz.Questions, c.Question.Choices = times(someQuestions), times(someChoices)
	c.Lesson.Resources = times(someLabs)
	c.Lab.Steps, c.LabSession.Steps = times(someSteps), times(someSteps)
	c.Lesson.Body, c.Lab.Instructions, c.Lab.Finish, c.LabStep.Text = text, text, text, text
	c.Mutation.EnrollInCourse = func(below int, _ string) int { return change(below) }
	c.Mutation.StartLab = func(below int, _ string) int { return change(below) }
	c.Mutation.UpdateProgress = func(below int, input []hub.ProgressEntry) int { return change(len(input) * below) }
	return c
}()

// What the schema's lists are taken to hold, as told of by introspection.
var told = map[string]int{
	"types": 30, "directives": 4, "fields": 8, "inputFields": 2, "args": 2, "enumValues": 2, "interfaces": 1, "possibleTypes": 1,
}

// costOfSchema is what a selection of the schema costs: the way of costs, for what
// complexity leaves out. Most types wrap no other, so what is below ofType costs
// half.
func costOfSchema(set ast.SelectionSet) (cost int) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			below := costOfSchema(s.SelectionSet)
			if n, ok := told[s.Name]; ok {
				below *= n
			} else if s.Name == "ofType" {
				below /= 2
			}
			cost += 1 + below
		case *ast.InlineFragment:
			cost += costOfSchema(s.SelectionSet)
		case *ast.FragmentSpread:
			cost += costOfSchema(s.Definition.SelectionSet)
		}
		cost = min(cost, 100*maxCost) // far from what an int holds
	}
	return cost
}

// page is how many a page may hold.
func page(first *int) int {
	if first == nil {
		return 30
	}
	return max(1, min(*first, maxPage))
}
