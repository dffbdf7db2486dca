// Package sdk makes clients of the API out of its contract: a package for
// TypeScript, a module for Python and a collection for Postman. What is the same
// in every client, such as when to ask again, is written by hand in templates;
// what is the contract's is made of it. The Go client is another one: package
// client.
package sdk

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Write makes all of them below dir, from an OpenAPI document.
func Write(dir string, document []byte) error {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return fmt.Errorf("read the contract: %w", err)
	}
	a, err := read(doc)
	if err != nil {
		return err
	}
	for name, of := range map[string]func(contract) (map[string]string, error){"typescript": typescript, "python": python, "postman": postman} {
		files, err := of(a)
		if err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
		for file, text := range files {
			path := filepath.Join(dir, name, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for everybody
				return err
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // for everybody
				return err
			}
		}
	}
	return nil
}

// A contract is what a client needs to know of the contract.
type contract struct {
	schemas []schema
	ops     []operation
}

type schema struct {
	name string
	of   *openapi3.Schema
}

type operation struct {
	id, method, path, tag string
	summary, description  string

	params []string // of the path, in their order
	query  []*openapi3.Parameter
	paged  bool // by cursor and Link
	keyed  bool // takes an Idempotency-Key
	resume bool // takes a Last-Event-ID

	body         *openapi3.SchemaRef // nil without one
	bodyType     string
	bodyOptional bool
	example      any

	result     *openapi3.SchemaRef // nil when nothing, or no JSON, is answered
	resultType string              // of the media; empty for nothing
}

// forBrowsers reports whether programs have no use for an operation.
func forBrowsers(o *openapi3.Operation) bool {
	return slices.Contains(o.Tags, "pages") || o.OperationID == "docsPage" || o.OperationID == "docsAsset"
}

func read(doc *openapi3.T) (contract, error) {
	var a contract
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		a.schemas = append(a.schemas, schema{name, doc.Components.Schemas[name].Value})
	}
	items := doc.Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(items)) {
		ops := items[path].Operations()
		for _, method := range slices.Sorted(maps.Keys(ops)) {
			if forBrowsers(ops[method]) {
				continue
			}
			a.ops = append(a.ops, readOperation(method, path, items[path].Parameters, ops[method]))
		}
	}
	return a, a.check()
}

func readOperation(method, path string, shared openapi3.Parameters, op *openapi3.Operation) operation {
	o := operation{id: op.OperationID, method: method, path: path, tag: op.Tags[0], summary: op.Summary, description: strings.TrimSpace(op.Description)}
	for _, p := range append(slices.Clone(shared), op.Parameters...) {
		switch v := p.Value; {
		case v.In == "path":
			o.params = append(o.params, v.Name)
		case v.Name == "Idempotency-Key":
			o.keyed = true
		case v.Name == "Last-Event-ID":
			o.resume = true
		case v.In == "query":
			o.query = append(o.query, v)
			o.paged = o.paged || v.Name == "cursor"
		}
	}
	slices.SortFunc(o.params, func(x, y string) int {
		return strings.Index(path, "{"+x+"}") - strings.Index(path, "{"+y+"}")
	})
	if op.RequestBody != nil {
		content := op.RequestBody.Value.Content
		o.bodyType = "application/json"
		if content[o.bodyType] == nil {
			o.bodyType = slices.Sorted(maps.Keys(content))[0]
		}
		o.body, o.bodyOptional = content[o.bodyType].Schema, !op.RequestBody.Value.Required
		if o.example = content[o.bodyType].Example; o.example == nil {
			o.example = exampleOf(o.body)
		}
	}
	for _, status := range []int{200, 201} {
		r := op.Responses.Status(status)
		if r == nil || len(r.Value.Content) == 0 || o.resultType != "" {
			continue
		}
		o.resultType = slices.Sorted(maps.Keys(r.Value.Content))[0]
		if o.resultType == "application/json" {
			o.result = r.Value.Content[o.resultType].Schema
		}
	}
	return o
}

func exampleOf(s *openapi3.SchemaRef) any {
	switch {
	case s.Value.Example != nil:
		return s.Value.Example
	case len(s.Value.OneOf) > 0:
		return exampleOf(s.Value.OneOf[0])
	}
	return nil
}

// check refuses what the templates would get wrong without a word.
func (a contract) check() error {
	for _, s := range a.schemas {
		if err := known(s.of, 0); err != nil {
			return fmt.Errorf("schema %s: %w", s.name, err)
		}
	}
	return nil
}

func known(s *openapi3.Schema, depth int) error {
	if s.Discriminator != nil || s.Not != nil || len(s.AnyOf) > 0 || len(s.AllOf) > 0 {
		return fmt.Errorf("the templates know oneOf, and neither allOf, anyOf, not nor discriminators")
	}
	if depth > 20 {
		return nil
	}
	for _, p := range s.Properties {
		if p.Ref == "" {
			if err := known(p.Value, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func refName(s *openapi3.SchemaRef) string {
	return strings.TrimPrefix(s.Ref, "#/components/schemas/")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
