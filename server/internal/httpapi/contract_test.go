package httpapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// Whoever builds on the API has only the document: each operation says what it
// is for, what it takes, what it gives and what it may refuse with, by example.
func TestTheContractIsComplete(t *testing.T) {
	t.Parallel()
	doc := apitest.Document(t) // which has held the examples to their schemas
	ids := map[string]string{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			name := method + " " + path
			miss := func(format string, args ...any) {
				t.Errorf("docs/openapi.yaml, %s: %s. docs/adding.md tells what an operation needs.", name, fmt.Sprintf(format, args...))
			}
			if op.OperationID == "" || ids[op.OperationID] != "" {
				miss("it needs an operationId of its own, not %q", op.OperationID)
			}
			ids[op.OperationID] = name
			if op.Summary == "" || len(op.Tags) != 1 {
				miss("it needs a summary, and one tag")
			}
			if op.Extensions["x-role"] == nil || op.Extensions["x-scope"] == nil {
				miss("it needs x-role and x-scope, as the table of access has them")
			}
			for _, p := range append(slices.Clone(item.Parameters), op.Parameters...) {
				if p.Value.Description == "" || p.Value.Schema == nil {
					miss("its parameter %s needs a description and a schema", p.Value.Name)
				}
				if p.Value.In == "path" && p.Value.Example == nil {
					miss("its parameter %s needs an example, to try it with", p.Value.Name)
				}
			}
			if op.RequestBody != nil {
				lacking(op.RequestBody.Value.Content, func(kind string) { miss("its body as %s needs an example", kind) })
			}
			for status, r := range op.Responses.Map() {
				if r.Value.Description == nil || *r.Value.Description == "" {
					miss("its answer %s needs a description", status)
				}
				lacking(r.Value.Content, func(kind string) { miss("its answer %s as %s needs an example", status, kind) })
			}
			for _, status := range refusals(name, item, op) {
				if op.Responses.Value(status) == nil {
					miss("it may answer %s, which its responses have to name", status)
				}
			}
			if op.Responses.Value("default") == nil {
				miss("it needs the default answer, for what every operation may refuse with")
			}
		}
	}
}

// lacking names the media types whose example is missing. Pages and archives have
// none.
func lacking(content openapi3.Content, tell func(kind string)) {
	for kind, m := range content {
		if strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "urlencoded") || strings.HasSuffix(kind, "stream") {
			if m.Example == nil && len(m.Examples) == 0 && !shown(m.Schema) {
				tell(kind)
			}
		}
	}
}

// shown reports whether a schema has an example, or is made of some that have.
func shown(s *openapi3.SchemaRef) bool {
	switch {
	case s == nil:
		return false
	case s.Value.Example != nil:
		return true
	case s.Value.Items != nil:
		return shown(s.Value.Items)
	case len(s.Value.OneOf) > 0:
		return !slices.ContainsFunc(s.Value.OneOf, func(one *openapi3.SchemaRef) bool { return !shown(one) })
	}
	return false
}

// refusals are the statuses that an operation can refuse with, by what it is.
// Which others are its own is seen by apitest, at each answer.
func refusals(name string, item *openapi3.PathItem, op *openapi3.Operation) (all []string) {
	row, _ := access.Of(name)
	guest := op.Security != nil // which only says that no token is asked for
	if len(item.Parameters)+len(op.Parameters) > 0 || op.RequestBody != nil {
		all = append(all, "400")
	}
	if !guest {
		all = append(all, "401")
	}
	if row.Who != access.Everybody {
		all = append(all, "403")
	}
	if strings.Contains(name, "{") {
		all = append(all, "404")
	}
	if op.RequestBody != nil {
		all = append(all, "413", "415")
		if op.RequestBody.Value.Content.Get("application/json") != nil {
			all = append(all, "422")
		}
	}
	if row.Metered() {
		all = append(all, "429")
	}
	return all
}
