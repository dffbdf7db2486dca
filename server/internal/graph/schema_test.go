package graph

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/courses"
	"github.com/cloudmastershub/cmh/server/internal/access"
)

// Whoever reads the schema is told of each thing in it.
func TestTheSchemaSaysWhatEverythingIs(t *testing.T) {
	t.Parallel()
	for name, def := range schema.Types {
		if def.BuiltIn || strings.HasPrefix(name, "__") {
			continue
		}
		told := func(what, description string) {
			if strings.TrimSpace(description) == "" {
				t.Errorf("docs/schema.graphql says nothing of %s", what)
			}
		}
		told(name, def.Description)
		for _, v := range def.EnumValues {
			told(name+"."+v.Name, v.Description)
		}
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			told(name+"."+f.Name, f.Description)
			for _, a := range f.Arguments {
				told(name+"."+f.Name+"("+a.Name+")", a.Description)
			}
		}
	}
}

// Each root field has a row in the table of access, and each row a field.
func TestEveryRootFieldIsInTheTable(t *testing.T) {
	t.Parallel()
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		for _, f := range root.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			if _, ok := access.Of(root.Name + "." + f.Name); !ok {
				t.Errorf("%s.%s has no row in server/internal/access/table.go, and so answers nobody", root.Name, f.Name)
			}
		}
	}
	if schema.Subscription != nil {
		t.Error("nobody asks the table about subscriptions")
	}
	for _, o := range access.Table {
		name, field, ok := strings.Cut(o.Name, ".")
		if !ok || strings.ContainsAny(o.Name, " /") {
			continue
		}
		if def := schema.Types[name]; def == nil || def.Fields.ForName(field) == nil {
			t.Errorf("the table has a row for %s, which is no field", o.Name)
		}
	}
}

// A root field that nobody wrote a row for is refused to everybody.
func TestAFieldWithoutARowAnswersNobody(t *testing.T) {
	t.Parallel()
	for _, role := range access.Roles {
		if err := (access.Operation{Name: "Query.forgotten"}).Check(role, nil); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// The words of enums are those of the rest of the API.
func TestEnumsAreTheWordsOfTheHub(t *testing.T) {
	t.Parallel()
	var roles []string
	for _, r := range access.Roles {
		roles = append(roles, string(r))
	}
	for name, words := range map[string][]string{
		"Level": courses.Levels, "Provider": courses.Providers, "Role": roles,
		"QuestionKind": {hub.Single, hub.Multiple, hub.Text},
		"LabState":     {hub.Provisioning, hub.Ready, hub.Active, hub.Detached, hub.Submitted, hub.Expired, hub.Stopped, hub.Destroyed},
		"StepState":    {hub.StepPending, hub.StepPassed, hub.StepFailed, hub.StepError, hub.StepSkipped},
	} {
		var have []string
		for _, v := range schema.Types[name].EnumValues {
			have = append(have, v.Name)
		}
		slices.Sort(have)
		want := slices.Sorted(slices.Values(words))
		if !slices.Equal(have, want) {
			t.Errorf("%s has %v, the hub %v", name, have, want)
		}
	}
}

// Any text is read in bounded work, and no reading panics.
func FuzzPrepare(f *testing.F) {
	f.Add("{ me { id } }", true)
	f.Add("query a($x: Int = 3) { courses(first: $x) { ...f } } fragment f on Course { lessons { body @skip(if: false) } }", true)
	f.Add("{ ...a } fragment a on Query { ...b ...b } fragment b on Query { ...a }", false)
	f.Add("mutation { updateProgress(input: [{courseId: \"a\", lessonId: \"b\", progressPercentage: 1, completedAt: \"x\"}]) { course { title } } }", true)
	f.Add("{ __schema { types { fields { type { ofType { name } } } } } }", true)
	f.Add("{"+strings.Repeat("a:courses{id}", 400)+"}", true)
	f.Add("query($v: [[[CourseFilter]]] = [[[{level: beginner}]]]) { courses(filter: $v) { id } }", true)
	f.Fuzz(func(t *testing.T, query string, introspection bool) {
		for _, name := range []*Name{nil, new(Name("a"))} {
			o, err := Prepare(t.Context(), Request{Query: query, OperationName: name, Variables: &Variables{"x": "y", "v": []any{nil, 1.5}}}, introspection)
			if (o == nil) == (err == nil) {
				t.Fatalf("%v and %v", o, err)
			}
			if _, ok := errors.AsType[Errors](err); err != nil && !ok {
				t.Fatalf("%T: %v", err, err)
			}
			if o != nil && o.Roots > maxRoots {
				t.Errorf("%d roots", o.Roots)
			}
		}
	})
}
