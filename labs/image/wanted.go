package image

import (
	"maps"
	"path"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Bounds of what an image may ask for.
const (
	maxEnv      = 256
	maxEnvValue = 4 << 10
)

var (
	envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

	// What the agent's own runtime would obey, and what says who somebody is,
	// which the accounts of a lab do.
	notTheirs = map[string]bool{
		"GODEBUG": true, "GOGC": true, "GOMEMLIMIT": true, "GOMAXPROCS": true, "GOTRACEBACK": true,
		"HOME": true, "USER": true, "LOGNAME": true, "SHELL": true, "PWD": true, "TERM": true, "HOSTNAME": true,
	}
)

// EnvWith is what a sandbox of the image begins with: the image's own variables,
// under those of the lab. PWD is where its shells do.
func (r Root) EnvWith(lab map[string]string) map[string]string {
	env := maps.Clone(r.Env)
	if env == nil {
		env = map[string]string{}
	}
	if r.WorkDir != "" {
		env["PWD"] = r.WorkDir
	}
	maps.Copy(env, lab)
	return env
}

// wanted is what programs of an image are to begin with, as docker run has it.
// What can't be is left out: an image is a stranger's.
func wanted(c v1.Config) (env map[string]string, dir string) {
	for _, kv := range c.Env {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || !envName.MatchString(name) || notTheirs[name] || len(value) > maxEnvValue || strings.ContainsAny(value, "\x00\n") || len(env) >= maxEnv {
			continue
		}
		if env == nil {
			env = map[string]string{}
		}
		env[name] = value
	}
	if path.IsAbs(c.WorkingDir) && !strings.ContainsAny(c.WorkingDir, "\x00\n") && len(c.WorkingDir) < 4096 {
		dir = path.Clean(c.WorkingDir)
	}
	if dir == "/" { // what one gets who asked for nothing
		dir = ""
	}
	return env, dir
}
