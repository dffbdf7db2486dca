package about_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/cmd/cmh/about"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Every line of a page that begins with a dot is a request that we meant: what
// commands say of themselves can't make one.
func TestManPages(t *testing.T) {
	t.Parallel()
	env := &cli.Env{}
	sub := &cobra.Command{Use: "walk DIR", Short: "Walk -- it's a `DIR`", Long: "Text of a length that has to go on in another line, with ends of words everywhere: .so /etc/passwd .so /etc/passwd .so /etc/passwd.\n\n  kept \\fB\n  .so /etc/passwd\n\n.so /etc/passwd", Example: "  cmh walk ~", RunE: func(*cobra.Command, []string) error { return nil }}
	sub.Flags().BoolP("deep", "d", false, ".nx\n.ex")
	hidden := &cobra.Command{Use: "secret", Hidden: true, RunE: sub.RunE}
	root := cli.Group("cmh", "Things", sub, hidden, about.ManCommand(env))
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(about.Topics()...)
	dir := filepath.Join(t.TempDir(), "man")
	var out, errs strings.Builder
	env.Out, env.Err, env.In = &out, &errs, strings.NewReader("")
	if status := cli.Run(t.Context(), root, env, []string{"man", dir}); status != 0 {
		t.Fatal(status, errs.String())
	}
	pages, _ := filepath.Glob(filepath.Join(dir, "*.1"))
	var names []string
	for _, p := range pages {
		names = append(names, strings.TrimSuffix(filepath.Base(p), ".1"))
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if len(line) > 81 {
				t.Errorf("%s: a long line %q", p, line)
			}
			request, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			if strings.HasPrefix(line, ".") && !slices.Contains([]string{".TH", ".SH", ".TP", ".PP", ".nf", ".fi"}, request) {
				t.Errorf("%s: %q", p, line)
			}
		}
		for _, part := range []string{".TH ", ".SH NAME\n", ".SH DESCRIPTION\n", ".SH SEE ALSO\n"} {
			if !strings.Contains(string(b), part) {
				t.Errorf("%s: no %q", p, part)
			}
		}
	}
	if want := []string{"cmh-environment", "cmh-exit-codes", "cmh-json", "cmh-keys", "cmh-man", "cmh-walk", "cmh"}; !slices.Equal(names, want) {
		t.Errorf("pages %q, want %q", names, want)
	}
	walk, _ := os.ReadFile(filepath.Join(dir, "cmh-walk.1"))
	for _, want := range []string{`Walk \-\- it\(aqs a \(gaDIR\(ga`, "  kept \\efB", "\\fB\\-d\\fR, \\fB\\-\\-deep\\fR"} {
		if !strings.Contains(string(walk), want) {
			t.Errorf("no %q in\n%s", want, walk)
		}
	}
}
