package prove

import (
	"fmt"
	"io"
	"strings"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/labs/proof"
)

// Listed is a lab that was read and not played.
type Listed struct {
	Lab      string   `json:"lab"`
	Title    string   `json:"title"`
	Steps    int      `json:"steps"`
	Checks   int      `json:"checks"`
	Needs    []string `json:"needs"`
	Optional []string `json:"optional"`
	Warnings []string `json:"warnings"`
}

// list says what was read. It fails when that is nothing, or when something
// can't be.
func list(env *cli.Env, subjects []proof.Subject, problems []Problem) error {
	labs := make([]Listed, 0, len(subjects))
	for _, s := range subjects {
		sc := s.Scenario
		l := Listed{
			Lab: s.Name, Title: sc.Title, Steps: len(sc.Steps), Checks: sc.Checks(),
			Needs: sc.Needs, Optional: append([]string{}, sc.Optional...), Warnings: []string{},
		}
		for _, w := range sc.Warnings {
			l.Warnings = append(l.Warnings, w.String())
		}
		labs = append(labs, l)
	}
	err := cli.Print(env, labs, func(io.Writer) {
		_ = cli.PrintList(env, labs,
			cli.Column[Listed]{Title: "LAB", Cell: func(l Listed) string { return l.Lab }},
			cli.Column[Listed]{Title: "TITLE", Cell: func(l Listed) string { return l.Title }},
			cli.Column[Listed]{Title: "STEPS", Cell: func(l Listed) string { return fmt.Sprint(l.Steps) }},
			cli.Column[Listed]{Title: "CHECKS", Cell: func(l Listed) string { return fmt.Sprint(l.Checks) }},
			cli.Column[Listed]{Title: "NEEDS", Cell: func(l Listed) string { return strings.Join(l.Needs, ",") }},
		)
	})
	if err != nil {
		return err
	}
	for _, l := range labs {
		for _, w := range l.Warnings {
			env.Say("warning: %s", env.Words().Told(w))
		}
	}
	for _, p := range problems {
		env.Say("rejected: %s: %s", place(p.File, p.Line), p.said)
	}
	if len(labs) == 0 || len(problems) > 0 {
		return cli.StatusError(cli.ExitFailed)
	}
	return nil
}
