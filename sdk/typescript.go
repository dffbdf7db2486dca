package sdk

import (
	_ "embed" // for the templates
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed templates/client.ts
var tsClient string

//go:embed templates/typescript.md
var tsReadme string

const tsPackage = `{
  "name": "@cloudmastershub/sdk",
  "version": "1.0.0",
  "description": "The CloudMastersHub API",
  "license": "Apache-2.0",
  "type": "module",
  "sideEffects": false,
  "exports": {".": {"types": "./src/index.ts", "default": "./dist/index.js"}},
  "files": ["dist", "src"],
  "engines": {"node": ">=18"}
}
`

// typescript makes a package whose JavaScript is there already: whoever uses it
// needs no compiler of ours.
func typescript(a contract) (map[string]string, error) {
	var b strings.Builder
	b.WriteString("// Made from the contract of the API by `make sdk`. Changes are lost.\n\n")
	b.WriteString(tsClient)
	for _, s := range a.schemas {
		tsDoc(&b, "", s.of.Description)
		fmt.Fprintf(&b, "export type %s = %s;\n\n", s.name, tsType(&openapi3.SchemaRef{Value: s.of}))
	}
	b.WriteString("/** Client has a method for each operation. */\nexport class Client extends Base {\n")
	for _, o := range a.ops {
		tsMethod(&b, o)
	}
	b.WriteString("}\n")
	out := api.Transform(b.String(), api.TransformOptions{Loader: api.LoaderTS, Target: api.ES2022, Format: api.FormatESModule})
	if len(out.Errors) > 0 {
		return nil, errors.New(out.Errors[0].Text)
	}
	return map[string]string{"src/index.ts": b.String(), "dist/index.js": string(out.Code), "package.json": tsPackage, "README.md": tsReadme}, nil
}

func tsDoc(b *strings.Builder, indent, text string) {
	if text = oneLine(text); text != "" {
		fmt.Fprintf(b, "%s/** %s */\n", indent, strings.ReplaceAll(text, "*/", "* /"))
	}
}

func tsType(ref *openapi3.SchemaRef) string {
	if ref.Ref != "" {
		return refName(ref)
	}
	s := ref.Value
	switch {
	case len(s.Enum) > 0:
		all := []string{}
		for _, v := range s.Enum {
			lit, _ := json.Marshal(v) // of a document that was JSON
			all = append(all, string(lit))
		}
		return strings.Join(all, " | ")
	case len(s.OneOf) > 0:
		all := []string{}
		for _, one := range s.OneOf {
			all = append(all, tsType(one))
		}
		return strings.Join(all, " | ")
	case s.Type.Is("string") && s.Format == "binary":
		return "Uint8Array"
	case s.Type.Is("string"):
		return "string"
	case s.Type.Is("integer"), s.Type.Is("number"):
		return "number"
	case s.Type.Is("boolean"):
		return "boolean"
	case s.Type.Is("array"):
		return "Array<" + tsType(s.Items) + ">"
	case s.AdditionalProperties.Schema != nil:
		return "Record<string, " + tsType(s.AdditionalProperties.Schema) + ">"
	case len(s.Properties) == 0:
		return "Record<string, unknown>"
	}
	fields := []string{}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		optional := "?"
		if slices.Contains(s.Required, name) {
			optional = ""
		}
		fields = append(fields, fmt.Sprintf("%q%s: %s", name, optional, tsType(s.Properties[name])))
	}
	return "{ " + strings.Join(fields, "; ") + " }"
}

func tsMethod(b *strings.Builder, o operation) {
	args, parts := []string{}, o.path
	for _, p := range o.params {
		args = append(args, p+": string")
		parts = strings.Replace(parts, "{"+p+"}", "${segment("+p+")}", 1)
	}
	if o.body != nil {
		optional := ""
		if o.bodyOptional {
			optional = "?"
		}
		args = append(args, "body"+optional+": "+tsType(o.body))
	}
	fields := []string{}
	for _, q := range o.query {
		fields = append(fields, fmt.Sprintf("%q?: %s", q.Name, tsType(q.Schema)))
	}
	if len(fields) > 0 {
		args = append(args, "query: { "+strings.Join(fields, "; ")+" } = {}")
	}
	how := []string{fmt.Sprintf("method: %q, path: `%s`", o.method, parts)}
	if len(fields) > 0 {
		how = append(how, "query")
	}
	if o.body != nil {
		how = append(how, fmt.Sprintf("body, type: %q", o.bodyType))
	}
	if o.keyed {
		how = append(how, "keyed: true")
	}
	if o.id == "refresh" {
		how = append(how, "repeat: true")
	}
	result, kind := "void", "none"
	switch {
	case o.result != nil:
		result, kind = tsType(o.result), "json"
	case o.resultType != "":
		result, kind = "string", "text"
	}
	call := "{ " + strings.Join(append(how, fmt.Sprintf("answer: %q", kind)), ", ") + " }"
	doc := o.summary + ". " + o.description
	switch {
	case o.resume:
		tsDoc(b, "  ", doc)
		fmt.Fprintf(b, "  %s(%s): AsyncGenerator<LabEvent> {\n    return this.stream<LabEvent>(`%s`, after);\n  }\n\n", o.id, strings.Join(append(args, "after = 0"), ", "), parts)
		return
	case o.paged:
		tsDoc(b, "  ", doc+" One page; next is the cursor of the one behind it.")
		fmt.Fprintf(b, "  %s(%s, options: Options = {}): Promise<Page<%s>> {\n    return this.page(%s, options);\n  }\n\n", o.id, strings.Join(args, ", "), tsType(o.result.Value.Items), call)
		tsDoc(b, "  ", o.summary+", all pages of it, one after the other.")
		fmt.Fprintf(b, "  %sAll(%s): AsyncGenerator<%s> {\n    return this.pages((cursor) => this.%s(%s));\n  }\n\n", o.id, strings.Join(args, ", "), tsType(o.result.Value.Items), o.id, strings.Join(append(slices.Clone(o.params), "{ ...query, ...cursor }"), ", "))
		return
	}
	tsDoc(b, "  ", doc)
	fmt.Fprintf(b, "  %s(%s): Promise<%s> {\n    return this.ask<%s>(%s, options);\n  }\n\n", o.id, strings.Join(append(args, "options: Options = {}"), ", "), result, result, call)
}
