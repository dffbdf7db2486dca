// Package config knows the settings of cmh on this machine: a flag wins over
// CMH_* in the environment, which wins over config.yaml. Secrets are none of
// its business: see package credential.
package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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

// names are the settings, as config.yaml and, in capitals behind CMH_, the
// environment have them; truths are those that are true or false.
var (
	names  = []string{"server", "pager", "insecure_http", "accessible", "language"}
	truths = []string{"insecure_http", "accessible"}
)

// Read reads the settings. server is what the --server flag says.
func Read(dir, server string) (Config, error) {
	v, err := open(dir, server)
	if err != nil {
		return Config{}, err
	}
	return Config{Server: v.GetString("server"), Pager: v.GetString("pager"), InsecureHTTP: v.GetBool("insecure_http"), Accessible: v.GetBool("accessible"), Language: v.GetString("language")}, nil
}

// Settings are all settings, and what made each what it is.
func Settings(dir, server string) ([]Setting, error) {
	v, err := open(dir, server)
	if err != nil {
		return nil, err
	}
	all := make([]Setting, len(names))
	for i, name := range names {
		s := Setting{Name: name, Value: v.GetString(name), Origin: "default"}
		variable := "CMH_" + strings.ToUpper(name)
		switch {
		case name == "server" && server != "":
			s.Origin = "--server"
		case os.Getenv(variable) != "" && name != "accessible":
			s.Origin = variable
		case v.InConfig(name):
			s.Origin = v.ConfigFileUsed()
		}
		if name == "accessible" {
			// Commands look at it themselves: 0 is no, anything else yes.
			if on := os.Getenv(variable); on != "" {
				s.Value, s.Origin = strconv.FormatBool(on != "0"), variable
			}
		}
		if slices.Contains(truths, name) && s.Value == "" {
			s.Value = "false"
		}
		all[i] = s
	}
	return all, nil
}

func open(dir, server string) (*viper.Viper, error) {
	v, err := read(dir)
	if err != nil {
		return nil, err
	}
	v.SetDefault("server", DefaultServer)
	v.SetEnvPrefix("CMH")
	for _, name := range []string{"server", "pager", "insecure_http", "language"} {
		_ = v.BindEnv(name) // fails for an empty name only
	}
	if server != "" {
		v.Set("server", server)
	}
	return v, nil
}

// read reads the file alone. None is an empty one.
func read(dir string) (*viper.Viper, error) {
	v := viper.New()
	v.SetConfigFile(filepath.Join(dir, "config.yaml"))
	if err := v.ReadInConfig(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, hub.Wrap(err, hub.Invalid, "%s can't be read. Mend it, or remove it.", v.ConfigFileUsed())
	}
	return v, nil
}
