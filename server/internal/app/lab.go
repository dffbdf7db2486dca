package app

import (
	"context"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

// Labs lists labs, those the caller may not start included. Texts are only in
// Lab's answer.
func (a Actor) Labs(ctx context.Context, f hub.LabFilter) (page hub.Page[hub.Lab], err error) {
	if f.Limit < 0 || f.Limit > 100 {
		return page, hub.Errorf(hub.Invalid, "limit must be from 1 to 100.")
	}
	if f.Limit == 0 {
		f.Limit = 30
	}
	var abilities []string
	if f.Runnable {
		if a.app.Labs.Engine == nil {
			return hub.Page[hub.Lab]{Items: []hub.Lab{}}, nil
		}
		abilities = append([]string{}, a.app.Labs.Abilities...)
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		page, err = tx.Labs(ctx, f, abilities)
		return err
	})
	for i := range page.Items {
		a.app.dress(&page.Items[i])
	}
	return page, err
}

// Lab returns a lab with its texts, to those whose tier includes it.
func (a Actor) Lab(ctx context.Context, id string) (hub.Lab, error) {
	var v postgres.LabVersion
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		v, err = tx.Lab(ctx, id)
		return err
	})
	if err != nil {
		return hub.Lab{}, err
	}
	if err := a.entitled(v.Lab); err != nil {
		return hub.Lab{}, err
	}
	a.app.dress(&v.Lab)
	if rank[a.user.Role] < rank[hub.Instructor] {
		v.Lab.Warnings = nil
	}
	return v.Lab, nil
}

// entitled refuses labs outside the caller's tier.
func (a Actor) entitled(lab hub.Lab) error {
	if lab.Free || rank[a.user.Role] >= rank[hub.Premium] {
		return nil
	}
	return hub.Errorf(hub.Forbidden, "The lab %s is part of the premium tier.", lab.ID)
}

// dress fills in what depends on this installation, and turns what is absent
// into empty lists.
func (a *App) dress(lab *hub.Lab) {
	if lab.Needs == nil {
		lab.Needs = []string{}
	}
	if lab.Steps == nil {
		lab.Steps = []hub.LabStep{}
	}
	lab.Reason = a.missing(lab.Needs)
	lab.Runnable = lab.Reason == ""
}

// missing says what this installation lacks for a lab with these needs, or "".
func (a *App) missing(needs []string) string {
	if a.Labs.Engine == nil {
		return "this installation runs no labs"
	}
	var lacks []string
	for _, need := range needs {
		if !slices.Contains(a.Labs.Abilities, need) {
			lacks = append(lacks, spelled(need))
		}
	}
	if len(lacks) == 0 {
		return ""
	}
	return "needs " + strings.Join(lacks, ", ")
}

// spelled is how people write the name of a need.
func spelled(need string) string {
	switch need {
	case "docker":
		return "Docker"
	case "kubernetes":
		return "Kubernetes"
	case "openshift":
		return "OpenShift"
	case "network":
		return "a network"
	}
	return need
}
