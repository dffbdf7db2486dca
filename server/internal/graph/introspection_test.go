package graph

import (
	"fmt"
	"strings"
	"testing"
)

// fromTools asks for the whole schema, as editors and generators do: n types
// within one another.
func fromTools(n int) string {
	ref := "kind name"
	for range n {
		ref = "kind name ofType { " + ref + " }"
	}
	return `query IntrospectionQuery { __schema {
			queryType { name } mutationType { name } subscriptionType { name } types { ...Whole }
			directives { name description isRepeatable locations args(includeDeprecated: true) { ...Value } }
		} }
		fragment Whole on __Type {
			kind name description specifiedByURL isOneOf
			fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...Value } type { ...Ref } isDeprecated deprecationReason }
			inputFields(includeDeprecated: true) { ...Value }
			interfaces { ...Ref }
			enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
			possibleTypes { ...Ref }
		}
		fragment Value on __InputValue { name description type { ...Ref } defaultValue isDeprecated deprecationReason }
		fragment Ref on __Type { ` + ref + ` }`
}

// What tools ask of the schema is answered, and many times as much isn't.
func TestIntrospectionHasACost(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 7, 9} {
		o, err := Prepare(t.Context(), Request{Query: fromTools(n)}, true)
		if err != nil {
			t.Fatalf("%d deep: %v", n, err)
		}
		if o.Roots != 1 {
			t.Errorf("it counts as %d requests", o.Roots)
		}
	}
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format+" ", i)
		}
		return b.String()
	}
	for name, query := range map[string]string{
		"many schemas":         "{ " + many(12, "a%d: __schema { types { fields { description args { name description } type { name } } } }") + "}",
		"many lists":           "{ __schema { " + many(12, "a%d: types { fields { description args { name description } type { name } } }") + "} }",
		"many names":           "{ __schema { types { fields { " + many(100, "a%d: description") + "} } } }",
		"in a fragment":        "{ __schema { " + many(12, "a%d: types { ...a }") + "} } fragment a on __Type { fields { description args { name description } type { name } } }",
		"one type, many times": "{ " + many(21, "a%d: __type(name: \"Query\") { name }") + "}",
	} {
		if _, err := Prepare(t.Context(), Request{Query: query}, true); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
