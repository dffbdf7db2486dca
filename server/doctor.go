package server

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/docker"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
	"github.com/cloudmastershub/cmh/server/internal/privatepg"
	"github.com/cloudmastershub/cmh/words"
)

// Finding is one thing the server needs of its machine.
type Finding struct {
	Name   string     // in English
	State  string     // OK, Limited or Missing
	Detail hub.Phrase // what there is, or what is missing and how to mend it
}

// What is looked at, as far as it is a word.
var _ = [...]string{
	words.Mark("data directory"), words.Mark("database"), words.Mark("images"), words.Mark("labs"), words.Mark("learners"), words.Mark("engine"), words.Mark("engine's runc"),
	words.Mark("room"), words.Mark("descriptors"), words.Mark("processes"), words.Mark("core dumps"), words.Mark("kernel log"), words.Mark("kernel"), words.Mark("runs as"),
	words.Mark("namespaces"), words.Mark("users inside"), words.Mark("memory limit"), words.Mark("process limit"), words.Mark("CPU limit"), words.Mark("file watches"),
	words.Mark("disk"), words.Mark("swap"),
}

// States of a Finding. The server starts with what is limited, and not with
// what is missing.
const (
	OK      = "ok"
	Limited = "limited"
	Missing = "MISSING"
)

var _ = [...]string{words.Mark(OK), words.Mark(Limited), words.Mark(Missing)}

// Doctor looks at what the server would find here. It changes nothing but
// makes the directories the server would make.
func Doctor(ctx context.Context, cfg Config) ([]Finding, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	fs := []Finding{lookAt("data directory", hub.Word(cfg.DataDir), makeDataDir(cfg.DataDir)), lookAtDatabase(ctx, cfg)}
	if cfg.LabDriver == "none" {
		return fs, nil
	}
	info, err := os.Stat(cfg.LabAgent)
	if err == nil && info.Mode()&0o111 == 0 {
		err = hub.Errorf(hub.Unavailable, "%s is not executable.", cfg.LabAgent)
	}
	fs = append(fs, lookAt("lab-agent", hub.Word(cfg.LabAgent), err), lookAtImages(cfg))
	fs = append(fs, lookAtSandboxes(ctx, cfg)...)
	fs = append(fs, lookAtRoom(cfg)...)
	fs = append(fs, lookAtRunc(ctx, cfg.LabDriver)...)
	return append(fs, lookAtHost()...), nil
}

func lookAt(name string, detail hub.Phrase, err error) Finding {
	if err != nil {
		return Finding{name, Missing, why(err)}
	}
	return Finding{name, OK, detail}
}

// why is what an error says, which may be the system's own words.
func why(err error) hub.Phrase {
	if e, ok := errors.AsType[*hub.Error](err); ok && e.Code != hub.Internal {
		format, args := e.Format()
		return hub.Phrasef(format, args...)
	}
	return hub.Word(err.Error())
}

// but is what there is, and what follows from its being no better.
func but(there, follows hub.Phrase) hub.Phrase { return hub.Phrasef("%s: %s", there, follows) }

func lookAtDatabase(ctx context.Context, cfg Config) Finding {
	if cfg.DatabaseURL == "" {
		bin, as, err := privatepg.Find()
		if as != "" {
			return lookAt("database", hub.Phrasef("a private PostgreSQL, %s, run as %s", bin, as), err)
		}
		return lookAt("database", hub.Phrasef("a private PostgreSQL, %s", bin), err)
	}
	db, err := postgres.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return lookAt("database", hub.Phrase{}, err)
	}
	defer db.Close()
	return lookAt("database", hub.Phrasef("CMH_DATABASE_URL, which survives crashes"), db.Durable(ctx))
}

func lookAtImages(cfg Config) Finding {
	store, err := OpenImages(cfg)
	if err != nil {
		return lookAt("images", hub.Phrase{}, err)
	}
	images, err := store.List()
	if err != nil {
		return lookAt("images", hub.Phrase{}, err)
	}
	names := []string{}
	for _, r := range images {
		names = append(names, r.Name)
	}
	have := strings.Join(names, ", ")
	detail := hub.Word(have)
	if _, err := store.Resolve(cfg.LabImage); err != nil {
		if len(images) > 1 { // the tiny one is always there
			return Finding{"images", Limited, hub.Phrasef("%s; labs that name none can't start: %s", detail, why(err))}
		}
		return lookAt("images", hub.Phrase{}, err)
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
		f := Finding{p.Name, OK, hub.Word(p.Detail)}
		if !p.OK {
			f.State, f.Detail = Limited, but(hub.Word(p.Detail), hub.Word(p.Consequence))
		}
		fs = append(fs, f)
	}
	if !report.Works {
		fs = append(fs, Finding{"labs", Missing, hub.Phrasef("sandboxes cannot be made here; CMH_LAB_DRIVER=none starts the server without labs")})
	}
	if !report.MultiLearner {
		fs = append(fs, Finding{"learners", Limited, hub.Phrasef("one only: a sandbox's memory and processes cannot be limited here")})
	}
	return fs
}

// lookAtEngine says what an engine's sandboxes lack.
func lookAtEngine(ctx context.Context, cfg Config) []Finding {
	host := cmp.Or(cfg.LabEngine, docker.DefaultHost(cfg.LabDriver))
	name, runc, weak, err := docker.Look(ctx, host)
	if err != nil {
		return []Finding{{"engine", Missing, hub.Phrasef("%s: %s", host, why(err))}}
	}
	fs := []Finding{{"engine", OK, hub.Phrasef("%s at %s", name, host)}}
	if labs.RuncIsOld(runc) && cfg.LabOldRunc != "yes" {
		detail := hub.Phrasef("%s can be broken out of", runc)
		if runc == "" {
			detail = hub.Phrasef("it is of an unknown version, and may be broken out of")
		}
		fs = append(fs, Finding{"engine's runc", Missing, detail})
	}
	for _, w := range weak {
		fs = append(fs, Finding{"engine", Limited, hub.Word(w)})
	}
	return fs
}
