package prove

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/labs/proof"
)

type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Suites   []suite  `xml:"testsuite"`
}

type suite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Time     string     `xml:"time,attr"`
	Cases    []testCase `xml:"testcase"`
}

type testCase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	File    string   `xml:"file,attr,omitempty"`
	Line    int      `xml:"line,attr,omitempty"`
	Failure *outcome `xml:"failure,omitempty"`
	Skipped *outcome `xml:"skipped,omitempty"`
	Out     string   `xml:"system-out,omitempty"`
}

type outcome struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes the report that CI systems read: a suite for each lab, a
// case for each step.
func writeJUnit(file string, r Result) error {
	all := suites{Name: "cmh author test"}
	for _, l := range r.Labs {
		all.add(labSuite(l))
	}
	if len(r.Problems) > 0 {
		s := suite{Name: "files"}
		for _, p := range r.Problems {
			s.Cases = append(s.Cases, testCase{Class: "files", Name: p.File, File: p.File, Line: p.Line, Failure: &outcome{Type: "unreadable", Message: clean(p.Text)}})
		}
		all.add(s)
	}
	b, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, append([]byte(xml.Header), append(b, '\n')...), 0o644); err != nil {
		return hub.Wrap(err, hub.Invalid, "The JUnit report can't be written.")
	}
	return nil
}

func labSuite(l proof.Lab) suite {
	s := suite{Name: clean(l.Name), Time: fmt.Sprintf("%.3f", l.Seconds)}
	if len(l.Steps) == 0 || l.State == proof.LabFailed && l.Reason != "" {
		c := testCase{Class: clean(l.Name), Name: "the lab as a whole", File: l.File}
		o := &outcome{Type: l.State, Message: clean(l.Reason)}
		if l.State == proof.LabFailed {
			c.Failure = o
		} else {
			c.Skipped = o
		}
		s.Cases = append(s.Cases, c)
	}
	for _, st := range l.Steps {
		c := testCase{Class: clean(l.Name), Name: clean(strings.TrimSpace(fmt.Sprintf("step %d %s", st.Number, st.Title))), File: st.File, Line: st.Line}
		o := &outcome{Type: st.State, Message: clean(st.Message)}
		for _, p := range st.Plays {
			if p.Screen != "" {
				o.Text = clean(p.Screen)
				break
			}
		}
		switch {
		case st.Failed:
			c.Failure = o
		case st.State == proof.Unverified, st.State == proof.Untried:
			c.Skipped = o
		case st.State == proof.Early:
			c.Out = "It passes before the work."
		}
		s.Cases = append(s.Cases, c)
	}
	return s
}

// clean is text without what no terminal and no XML may hold.
func clean(s string) string { return cli.Clean(s) }

func (all *suites) add(s suite) {
	for _, c := range s.Cases {
		s.Tests++
		if c.Failure != nil {
			s.Failures++
		}
		if c.Skipped != nil {
			s.Skipped++
		}
	}
	all.Tests += s.Tests
	all.Failures += s.Failures
	all.Skipped += s.Skipped
	all.Suites = append(all.Suites, s)
}
