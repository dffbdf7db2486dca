package app

import (
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/scenario"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// score is what passing a step is worth now: 100 without the hints that were
// taken and without the solution, if that was shown.
func score(m postgres.StepMarks, st scenario.Step) *int {
	worth := 100
	for i, h := range st.Hints {
		if taken(m, i) {
			worth -= h.Cost
		}
	}
	if m.SolutionSeen {
		worth -= st.SolutionCost
	}
	worth = max(0, worth)
	return &worth
}

// outcomes are a verdict's checks as learners see them. A check without a name
// goes by its step's.
func outcomes(title string, v labs.Verdict) []hub.CheckOutcome {
	out := make([]hub.CheckOutcome, 0, len(v.Checks))
	for _, c := range v.Checks {
		name := c.Name
		if name == "" {
			name = title
		}
		out = append(out, hub.CheckOutcome{
			Name: name, State: string(c.Outcome), Expected: c.Expected, Observed: c.Observed, Message: c.Message,
		})
	}
	return out
}

// notDone says what step n still asks for.
func notDone(r postgres.LabRun, n int) error {
	if m := r.Marks[n-1]; m.RightAnswers < m.Questions && (!m.Checked || r.Steps[n-1].State == hub.StepPassed) {
		return hub.Errorf(hub.Conflict, "Step %d asks %s that nobody answered right yet. Answer with: cmh lab answer %s",
			n, questions(m.Questions-m.RightAnswers), r.LabID)
	}
	return hub.Errorf(hub.Conflict, "Step %d is not passed yet. Check it with: cmh lab check %s", n, r.LabID)
}
