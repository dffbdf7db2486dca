package cli_test

import (
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// A guest ran "ssh HOST course list --jq '[range(1e9)]'": the filter worked
// inside the server, which grew by gigabytes until everybody was thrown out.
// Where a process is shared, nobody brings programs.
func TestNobodyBringsProgramsToASharedProcess(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"thing", "list", "--jq", "[range(1e9)]|length"},
		{"thing", "list", "--json", "--jq=repeat(1)"},
		{"thing", "list", "--template", `{{range 1000000000}}{{printf "%999d" .}}{{end}}`},
	} {
		out, errOut, exit := run(&cli.Env{Shared: true}, args...)
		if exit != cli.ExitUsage || !strings.Contains(out+errOut, "unknown flag") {
			t.Errorf("%v: exit %d, %s%s", args, exit, out, errOut)
		}
	}
	if out, _, exit := run(&cli.Env{Shared: true}, "thing", "list", "--json=id"); exit != 0 {
		t.Errorf("plain JSON: exit %d, %s", exit, out)
	}
}
