package server

import (
	"context"

	"github.com/cloudmastershub/cmh/labs/driver/local"
)

// lookAtSandboxes says what sandboxes on this machine can enforce.
func lookAtSandboxes(ctx context.Context) []Finding {
	report := local.Probe(ctx)
	var fs []Finding
	for _, p := range report.Findings {
		f := Finding{p.Name, OK, p.Detail}
		if !p.OK {
			f.State, f.Detail = Limited, p.Detail+": "+p.Consequence
		}
		fs = append(fs, f)
	}
	if !report.Works {
		fs = append(fs, Finding{"labs", Missing, "sandboxes cannot be made here; CMH_LAB_DRIVER=none starts the server without labs"})
	}
	if !report.MultiLearner {
		fs = append(fs, Finding{"learners", Limited, "one only: a sandbox's memory and processes cannot be limited here"})
	}
	return fs
}
