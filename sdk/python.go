package sdk

import (
	_ "embed" // for the templates
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed templates/client.py
var pyClient string

//go:embed templates/python.md
var pyReadme string

const pyProject = `[build-system]
requires = ["setuptools>=68"]
build-backend = "setuptools.build_meta"

[project]
name = "cloudmastershub"
version = "1.0.0"
description = "The CloudMastersHub API"
license = {text = "Apache-2.0"}
requires-python = ">=3.11"
readme = "README.md"

[tool.setuptools]
packages = ["cloudmastershub"]

[tool.setuptools.package-data]
cloudmastershub = ["py.typed"]
`

func python(a contract) (map[string]string, error) {
	var b strings.Builder
	b.WriteString(pyClient)
	b.WriteString("\n\n# Made from the contract of the API by `make sdk`. Changes are lost.\n\n")
	for _, s := range a.schemas {
		pySchema(&b, s.name, s.of)
	}
	b.WriteString("\nclass Client(_Base):\n    \"\"\"Has a method for each operation of the API.\"\"\"\n")
	for _, o := range a.ops {
		pyMethod(&b, o)
	}
	return map[string]string{"cloudmastershub/__init__.py": b.String(), "cloudmastershub/py.typed": "", "pyproject.toml": pyProject, "README.md": pyReadme}, nil
}

// pySchema writes a type. Fields are named in a dict, because some of them are
// words of the language.
func pySchema(b *strings.Builder, name string, s *openapi3.Schema) {
	if len(s.Properties) == 0 {
		fmt.Fprintf(b, "%s = %s\n", name, pyType(&openapi3.SchemaRef{Value: s}))
		return
	}
	fmt.Fprintf(b, "%s = TypedDict(%q, {\n", name, name)
	for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
		t := fmt.Sprintf("%q", pyType(s.Properties[field]))
		if !slices.Contains(s.Required, field) {
			t = "NotRequired[" + t + "]"
		}
		fmt.Fprintf(b, "    %q: %s,\n", field, t)
	}
	b.WriteString("})\n")
}

func pyType(ref *openapi3.SchemaRef) string {
	if ref.Ref != "" {
		return refName(ref)
	}
	s := ref.Value
	switch {
	case len(s.Enum) > 0:
		all := []string{}
		for _, v := range s.Enum {
			all = append(all, fmt.Sprintf("'%v'", v))
		}
		return "Literal[" + strings.Join(all, ", ") + "]"
	case len(s.OneOf) > 0:
		all := []string{}
		for _, one := range s.OneOf {
			all = append(all, pyType(one))
		}
		return "Union[" + strings.Join(all, ", ") + "]"
	case s.Type.Is("string") && s.Format == "binary":
		return "bytes"
	case s.Type.Is("string"):
		return "str"
	case s.Type.Is("integer"):
		return "int"
	case s.Type.Is("number"):
		return "float"
	case s.Type.Is("boolean"):
		return "bool"
	case s.Type.Is("array"):
		return "List[" + pyType(s.Items) + "]"
	case s.AdditionalProperties.Schema != nil:
		return "Dict[str, " + pyType(s.AdditionalProperties.Schema) + "]"
	}
	return "Dict[str, Any]"
}

var capital = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])`)

// snake names a method as Python does: createAPIKey is create_api_key.
func snake(name string) string {
	return strings.ToLower(capital.ReplaceAllString(name, "${1}${3}_${2}${4}"))
}

func pyMethod(b *strings.Builder, o operation) {
	args, path := []string{"self"}, o.path
	for _, p := range o.params {
		args = append(args, p+": str")
		path = strings.Replace(path, "{"+p+"}", "{_segment("+p+")}", 1)
	}
	how := []string{fmt.Sprintf("%q", o.method), fmt.Sprintf("f%q", path)}
	if o.body != nil {
		t := pyType(o.body)
		if o.bodyOptional {
			args = append(args, fmt.Sprintf("body: Optional[%q] = None", t))
		} else {
			args = append(args, fmt.Sprintf("body: %q", t))
		}
		how = append(how, "body=body", fmt.Sprintf("kind=%q", o.bodyType))
	}
	same := []string{}
	if len(o.query) > 0 || o.keyed {
		args = append(args, "*")
	}
	query := []string{}
	for _, q := range o.query {
		args = append(args, fmt.Sprintf("%s: Optional[%q] = None", q.Name, pyType(q.Schema)))
		query = append(query, fmt.Sprintf("%q: %s", q.Name, q.Name))
		if q.Name != "cursor" {
			same = append(same, q.Name+"="+q.Name)
		}
	}
	if len(query) > 0 {
		how = append(how, "query={"+strings.Join(query, ", ")+"}")
	}
	if o.keyed {
		args = append(args, "idempotency_key: Optional[str] = None")
		how = append(how, "key=idempotency_key or _key()")
	}
	if o.id == "refresh" {
		how = append(how, "repeat=True")
	}
	result, answer := "None", "none"
	switch {
	case o.result != nil:
		result, answer = fmt.Sprintf("%q", pyType(o.result)), "json"
	case o.resultType != "":
		result, answer = "str", "text"
	}
	doc := func(text string) { fmt.Fprintf(b, "        %q\n", oneLine(text)) }
	def := func(name, result string, args []string) {
		fmt.Fprintf(b, "\n    def %s(%s) -> %s:\n", name, strings.Join(args, ", "), result)
	}
	name := snake(o.id)
	call := strings.Join(append(how, fmt.Sprintf("answer=%q", answer)), ", ")
	switch {
	case o.resume:
		def(name, `Iterator["LabEvent"]`, append(args, "after: int = 0"))
		doc(o.summary + ". " + o.description)
		fmt.Fprintf(b, "        return self._stream(f%q, after)\n", path)
	case o.paged:
		item := pyType(o.result.Value.Items)
		def(name, fmt.Sprintf("Page[%q]", item), args)
		doc(o.summary + ". One page; next is the cursor of the one behind it. " + o.description)
		fmt.Fprintf(b, "        return self._page(%s)\n", call)
		def("all_"+name, fmt.Sprintf("Iterator[%q]", item), slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "cursor:") }))
		doc(o.summary + ", all pages of it, one after the other.")
		fmt.Fprintf(b, "        return self._pages(lambda cursor: self.%s(%s))\n", name, strings.Join(append(append(slices.Clone(o.params), same...), "cursor=cursor"), ", "))
	default:
		def(name, result, args)
		doc(o.summary + ". " + o.description)
		fmt.Fprintf(b, "        return self._ask(%s)\n", call)
	}
}
