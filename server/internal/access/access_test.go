package access_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
)

var update = flag.Bool("update", false, "rewrite docs/access.md from the table")

const begin, end = "<!-- the table: make golden -->\n\n", "\n<!-- its end -->"

// What is written down is the table.
func TestTheDocumentShowsTheTable(t *testing.T) {
	t.Parallel()
	const file = "../../../docs/access.md"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), begin)
	shown, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", file)
	}
	if shown == access.Markdown() {
		return
	}
	if !*update {
		t.Fatalf("%s differs from access.Table: make golden rewrites it", file)
	}
	if err := os.WriteFile(file, []byte(before+begin+access.Markdown()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTheTableIsWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, o := range access.Table {
		if seen[o.Name] {
			t.Errorf("%s is there twice", o.Name)
		}
		seen[o.Name] = true
		if o.Least() == "" {
			t.Errorf("%s is nobody's", o.Name)
		}
		if o.Scope != "" && !isScope(o.Scope) {
			t.Errorf("%s asks for the scope %q, which no key can have", o.Name, o.Scope)
		}
		if len(o.Who) != len(access.Roles) {
			t.Errorf("%s has %d cells", o.Name, len(o.Who))
		}
	}
}

func isScope(s hub.Scope) bool {
	for _, known := range hub.Scopes {
		if s == known {
			return true
		}
	}
	return false
}

// An operation nobody wrote a row for, and a role nobody knows, get nothing.
func TestWhatIsNotInTheTableIsClosed(t *testing.T) {
	t.Parallel()
	missing, ok := access.Of("GET /v1/never/written/down")
	if ok {
		t.Fatal("found what isn't there")
	}
	for _, r := range access.Roles {
		if err := missing.Check(r, nil); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("%s: %v", r, err)
		}
	}
	op := access.Operation{Who: access.Members}
	if err := op.Check("emperor", nil); hub.CodeOf(err) != hub.Unauthenticated {
		t.Errorf("an unknown role: %v", err)
	}
}

// An API key does what its scopes say, and nothing that only a person may.
func TestScopes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		op     access.Operation
		scopes []hub.Scope
		want   hub.Code
	}{
		{access.Operation{Who: access.Members, Scope: hub.LabsRead}, nil, ""},
		{access.Operation{Who: access.Members, Scope: hub.LabsRead}, []hub.Scope{}, hub.Forbidden},
		{access.Operation{Who: access.Members, Scope: hub.LabsRead}, []hub.Scope{hub.LabsRun}, ""},
		{access.Operation{Who: access.Members, Scope: hub.LabsRun}, []hub.Scope{hub.LabsRead}, hub.Forbidden},
		{access.Operation{Who: access.Members, Scope: hub.Authoring}, []hub.Scope{hub.AccountWrite, hub.LabsRun}, hub.Forbidden},
		{access.Operation{Who: access.Members}, hub.Scopes, hub.Forbidden},
		{access.Operation{Who: access.Everybody}, []hub.Scope{}, ""},
		{access.Operation{Who: access.Everybody, Scope: hub.CoursesRead}, []hub.Scope{hub.LabsRun}, hub.Forbidden},
		{access.Operation{Who: access.Teachers, Scope: hub.Authoring}, hub.Scopes, hub.Forbidden},
	} {
		if got := hub.CodeOf(tt.op.Check(hub.Free, tt.scopes)); got != tt.want {
			t.Errorf("%+v with %v: %q, want %q", tt.op, tt.scopes, got, tt.want)
		}
	}
}
