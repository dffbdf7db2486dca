package server

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/docker"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/privatepg"
)

// Finding is one thing the server needs of its machine.
type Finding struct {
	Name   string
	State  string // OK, Limited or Missing
	Detail string // what there is, or what is missing and how to mend it
}

// States of a Finding. The server starts with what is limited, and not with
// what is missing.
const (
	OK      = "ok"
	Limited = "limited"
	Missing = "MISSING"
)

// Doctor looks at what the server would find here. It changes nothing but
// makes the directories the server would make.
func Doctor(ctx context.Context, cfg Config) ([]Finding, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	fs := []Finding{lookAt("data directory", cfg.DataDir, makeDataDir(cfg.DataDir)), lookAtDatabase(ctx, cfg)}
	if cfg.LabDriver == "none" {
		return fs, nil
	}
	info, err := os.Stat(cfg.LabAgent)
	if err == nil && info.Mode()&0o111 == 0 {
		err = errors.New("it is not executable")
	}
	fs = append(fs, lookAt("lab-agent", cfg.LabAgent, err), lookAtImages(cfg))
	fs = append(fs, lookAtSandboxes(ctx, cfg)...)
	fs = append(fs, lookAtRoom(cfg)...)
	fs = append(fs, lookAtRunc(ctx, cfg.LabDriver)...)
	return append(fs, lookAtHost()...), nil
}

func lookAt(name, detail string, err error) Finding {
	if err != nil {
		return Finding{name, Missing, err.Error()}
	}
	return Finding{name, OK, detail}
}

func lookAtDatabase(ctx context.Context, cfg Config) Finding {
	if cfg.DatabaseURL == "" {
		bin, as, err := privatepg.Find()
		if as != "" {
			as = ", run as " + as
		}
		return lookAt("database", "a private PostgreSQL, "+bin+as, err)
	}
	db, err := postgres.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return lookAt("database", "", err)
	}
	defer db.Close()
	return lookAt("database", "CMH_DATABASE_URL, which survives crashes", db.Durable(ctx))
}

func lookAtImages(cfg Config) Finding {
	store, err := OpenImages(cfg)
	if err != nil {
		return lookAt("images", "", err)
	}
	images, err := store.List()
	if err != nil {
		return lookAt("images", "", err)
	}
	names := []string{}
	for _, r := range images {
		names = append(names, r.Name)
	}
	detail := strings.Join(names, ", ")
	if _, err := store.Resolve(cfg.LabImage); err != nil {
		if len(images) > 1 { // the tiny one is always there
			return Finding{"images", Limited, detail + "; labs that name none can't start: " + err.Error()}
		}
		return lookAt("images", "", err)
	}
	return lookAt("images", detail, nil)
}

// lookAtSandboxes says what sandboxes on this machine can enforce.
func lookAtSandboxes(ctx context.Context, cfg Config) []Finding {
	if cfg.LabDriver == "docker" || cfg.LabDriver == "podman" {
		return lookAtEngine(ctx, cfg)
	}
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

// lookAtEngine says what an engine's sandboxes lack.
func lookAtEngine(ctx context.Context, cfg Config) []Finding {
	host := cmp.Or(cfg.LabEngine, docker.DefaultHost(cfg.LabDriver))
	name, runc, weak, err := docker.Look(ctx, host)
	if err != nil {
		return []Finding{{"engine", Missing, host + ": " + err.Error()}}
	}
	fs := []Finding{{"engine", OK, name + " at " + host}}
	if labs.RuncIsOld(runc) && cfg.LabOldRunc != "yes" {
		fs = append(fs, Finding{"engine's runc", Missing, cmp.Or(runc, "of an unknown version") + " can be broken out of"})
	}
	for _, w := range weak {
		fs = append(fs, Finding{"engine", Limited, w})
	}
	return fs
}
