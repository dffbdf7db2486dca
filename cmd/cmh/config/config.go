// Package config knows the settings of cmh on this machine: a flag wins over
// CMH_* in the environment, which wins over config.yaml. Secrets are none of
// its business: see package credential.
package config

import (
	"cmp"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
)

// DefaultServer is where `cmh-server` listens on a learner's own machine.
const DefaultServer = "http://127.0.0.1:8080"

// Config is the settings as they are.
type Config struct {
	Server       string // base URL of the hub
	Pager        string // shell command line; empty for the default
	InsecureHTTP bool   // tokens may travel unencrypted to another machine
}

// Dir is where settings and sign-ins are kept. It may not exist yet.
func Dir() string {
	if d := os.Getenv("CMH_CONFIG_DIR"); d != "" {
		return d
	}
	base, err := os.UserConfigDir() // XDG_CONFIG_HOME, or what the system has instead
	if err != nil {
		base = os.TempDir() // no home at all: a container, say
	}
	return filepath.Join(base, "cmh")
}

// Read reads the settings. server is what the --server flag says.
func Read(dir, server string) (Config, error) {
	path := filepath.Join(dir, "config.yaml")
	settings, err := readFile(path)
	if err != nil {
		return Config{}, hub.Wrap(err, hub.Invalid, "%s can't be read. Mend it, or remove it.", path)
	}
	for _, name := range []string{"server", "pager", "insecure_http"} {
		if v := os.Getenv("CMH_" + strings.ToUpper(name)); v != "" {
			settings[name] = v
		}
	}
	c := Config{Server: DefaultServer, Pager: settings["pager"]}
	if s := cmp.Or(server, settings["server"]); s != "" {
		c.Server = s
	}
	c.InsecureHTTP, _ = strconv.ParseBool(settings["insecure_http"]) // anything else is no yes
	return c, nil
}
