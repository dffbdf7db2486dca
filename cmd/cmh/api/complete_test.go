package api

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/cloudmastershub/cmh/docs"
)

var update = flag.Bool("update", false, "bring contract.gz up to docs/openapi.yaml")

// What is completed is the contract, and nothing that a shell would run.
func TestContract(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(docs.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	all := doc.Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if strings.ContainsFunc(path, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._/{}-", r)
		}) {
			t.Errorf("%q is no word of a shell", path)
		}
		ops := all[path].Operations()
		for _, verb := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			if op := ops[verb]; op != nil {
				fmt.Fprintf(&want, "%s %s %s\n", path, strings.ToLower(verb), op.Summary)
				delete(ops, verb)
			}
		}
		for verb := range ops {
			t.Errorf("nobody completes a %s of %s", verb, path)
		}
	}
	if *update {
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(want.String())); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("contract.gz", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if operations() != want.String() {
		t.Error("contract.gz is not docs/openapi.yaml: run make golden")
	}
}

func TestOffered(t *testing.T) {
	t.Parallel()
	const contract = `/healthz get Lives
/v1/courses get List courses
/v1/courses/{course} get One
/v1/courses/{course}/enroll post Join
/v1/courses/{course}/enroll delete Leave
/v1/labs/{lab}/start post Start
`
	for _, tt := range []struct{ begun, method, want string }{
		{"", "", "courses\tList courses courses/{course}\tOne courses/{course}/enroll\tJoin labs/{lab}/start\tStart"},
		{"", "post", "courses/{course}/enroll\tJoin labs/{lab}/start\tStart"},
		{"courses/linux/", "", "courses/linux/enroll\tJoin"},
		{"courses/linux", "", "courses/linux\tOne courses/linux/enroll\tJoin"},
		{"labs/x/st", "", "labs/x/start\tStart"},
		{"/h", "", "/healthz\tLives"},
		{"v1/l", "", "v1/labs/{lab}/start\tStart"},
		{"/v1/co", "delete", "/v1/courses/{course}/enroll\tLeave"},
		{"nothing", "", ""},
	} {
		if got := strings.Join(offered(contract, tt.begun, tt.method), " "); got != tt.want {
			t.Errorf("%q %s: %q, want %q", tt.begun, tt.method, got, tt.want)
		}
	}
}
