package lab

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// A reporting is how CI systems want to hear of a check.
type reporting struct {
	junit  string // file
	format string
}

// reportFlags are for those whose files and standard output are their own.
func reportFlags(cmd *cobra.Command, env *cli.Env, r *reporting) {
	if env.Shared {
		return
	}
	cmd.Flags().StringVar(&r.junit, "junit", "", "write a JUnit report to `FILE` as well")
	cmd.Flags().StringVar(&r.format, "format", "text", "print the result as `FORM`: text, or github for its annotations besides")
}

func (r reporting) check() error {
	if r.format != "" && r.format != "text" && r.format != "github" {
		return hub.Errorf(hub.Invalid, "--format takes text or github.")
	}
	if r.junit != "" { // before the hub counts an attempt whose report nobody gets
		if _, err := os.Stat(filepath.Dir(r.junit)); err != nil {
			return hub.Wrap(err, hub.Invalid, "The JUnit report can't be written.")
		}
	}
	return nil
}

// write writes what was asked for besides the result itself.
func (r reporting) write(env *cli.Env, res hub.CheckResult) error {
	if r.format == "github" {
		out := env.Out
		if env.JSON { // which stays one document
			out = env.Err
		}
		annotate(out, res)
	}
	if r.junit == "" {
		return nil
	}
	b, err := xml.MarshalIndent(junitOf(res), "", "  ")
	if err == nil {
		err = os.WriteFile(r.junit, append([]byte(xml.Header), append(b, '\n')...), 0o644) //nolint:gosec // a report, to be read
	}
	if err != nil {
		return hub.Wrap(err, hub.Invalid, "The JUnit report can't be written.")
	}
	return nil
}

// checksOf are the checks of a step, or the step as its only one.
func checksOf(r hub.CheckResult) []hub.CheckOutcome {
	if len(r.Checks) > 0 {
		return r.Checks
	}
	return []hub.CheckOutcome{{Name: titleOf(r), State: r.State, Message: r.Message}}
}

func titleOf(r hub.CheckResult) string {
	for _, s := range r.Steps {
		if s.Number == r.Step && s.Title != "" {
			return s.Title
		}
	}
	return fmt.Sprintf("step %d", r.Step)
}

// seen is what a check that did not pass has to say.
func seen(c hub.CheckOutcome, r hub.CheckResult) string {
	var parts []string
	if c.Expected != "" {
		parts = append(parts, "expected: "+c.Expected)
	}
	if c.Observed != "" {
		parts = append(parts, "observed: "+c.Observed)
	}
	if c.Message != "" && c.Message != c.Observed {
		parts = append(parts, c.Message)
	}
	if len(parts) == 0 && r.Message != "" {
		parts = append(parts, r.Message)
	}
	if len(parts) == 0 {
		parts = append(parts, "not yet right")
	}
	return cli.Clean(strings.Join(parts, "\n"))
}

// annotate prints a command of GitHub's for each check that did not pass. Its
// words are the lab's: what could end the command is escaped.
func annotate(w io.Writer, r hub.CheckResult) {
	for _, c := range checksOf(r) {
		kind := "error"
		switch c.State {
		case hub.StepPassed:
			continue
		case hub.StepFailed, hub.StepPending:
		default: // nobody's fault
			kind = "warning"
		}
		title := fmt.Sprintf("Step %d: %s", r.Step, cli.CleanLine(c.Name))
		_, _ = fmt.Fprintf(w, "::%s title=%s::%s\n", kind, githubTitle.Replace(title), githubText.Replace(strings.TrimSpace(seen(c, r))))
	}
}

var (
	githubText  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubTitle = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

type junitSuites struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Suite    junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Failure *junitText `xml:"failure,omitempty"`
	Error   *junitText `xml:"error,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// junitOf is one case for each check: a failure is the learner's, an error is
// nobody's.
func junitOf(r hub.CheckResult) junitSuites {
	s := junitSuite{Name: fmt.Sprintf("Step %d: %s", r.Step, cli.CleanLine(titleOf(r)))}
	for _, c := range checksOf(r) {
		jc := junitCase{Class: r.SessionID, Name: cli.CleanLine(c.Name)}
		text := seen(c, r)
		first, _, _ := strings.Cut(text, "\n")
		switch c.State {
		case hub.StepPassed:
		case hub.StepFailed, hub.StepPending:
			jc.Failure = &junitText{first, text}
			s.Failures++
		default:
			jc.Error = &junitText{first, text}
			s.Errors++
		}
		s.Cases = append(s.Cases, jc)
		s.Tests++
	}
	return junitSuites{Name: "cmh lab check", Tests: s.Tests, Failures: s.Failures, Errors: s.Errors, Suite: s}
}
