// Package config knows the settings of cmh on this machine: a flag wins over
// CMH_* in the environment, which wins over config.yaml. Secrets are none of
// its business: see package credential.
package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/viper"

	"github.com/cloudmastershub/cmh/client/hub"
)

// DefaultServer is where `cmh-server` listens on a learner's own machine.
const DefaultServer = "http://127.0.0.1:8080"

// Config is the settings as they are.
type Config struct {
	Server       string // base URL of the hub
	Pager        string // shell command line; empty for the default
	InsecureHTTP bool   // tokens may travel unencrypted to another machine
	Accessible   bool   // lines of text instead of screens
	Language     string // "de", say; empty for what the environment asks for
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
	v := viper.New()
	v.SetConfigFile(filepath.Join(dir, "config.yaml"))
	v.SetDefault("server", DefaultServer)
	v.SetEnvPrefix("CMH")
	for _, name := range []string{"server", "pager", "insecure_http", "language"} {
		_ = v.BindEnv(name) // fails for an empty name only
	}
	if err := v.ReadInConfig(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Config{}, hub.Wrap(err, hub.Invalid, "%s can't be read. Mend it, or remove it.", v.ConfigFileUsed())
	}
	if server != "" {
		v.Set("server", server)
	}
	return Config{Server: v.GetString("server"), Pager: v.GetString("pager"), InsecureHTTP: v.GetBool("insecure_http"), Accessible: v.GetBool("accessible"), Language: v.GetString("language")}, nil
}
