// Package config knows the settings of cmh on this machine: a flag wins over
// CMH_* in the environment, which wins over config.yaml. Each hub may have a
// profile, with settings and a sign-in of its own. Secrets are none of its
// business: see package credential.
package config

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/viper"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/lockfile"
	"github.com/cloudmastershub/cmh/words"
)

// DefaultServer is where `cmh-server` listens on a learner's own machine.
const DefaultServer = "http://127.0.0.1:8080"

// Config is the settings as they are.
type Config struct {
	Place

	Server       string // base URL of the hub
	Pager        string // shell command line; empty for the default
	InsecureHTTP bool   // tokens may travel unencrypted to another machine
	Accessible   bool   // lines of text instead of screens
	Language     string // "de", say; empty for what the environment asks for
	Theme        string // light, dark; anything else asks the terminal

	NoUpdateNotifier bool // nobody is told that there is a newer cmh
}

// Flags are what the command line says of the settings; empty is nothing.
type Flags struct{ Server, Profile, Theme string }

// Dir is where settings and sign-ins are kept, those of profiles below it. It may
// not exist yet. Without a home, as in some containers, it is empty and nothing is
// kept: in a folder for everybody, somebody else's settings could lie.
func Dir() string {
	if d := os.Getenv("CMH_CONFIG_DIR"); d != "" {
		return d
	}
	base, err := os.UserConfigDir() // XDG_CONFIG_HOME, or what the system has instead
	if err != nil {
		return ""
	}
	return filepath.Join(base, "cmh")
}

// names are the settings, as config.yaml and, in capitals behind CMH_, the
// environment have them; truths are those that are true or false.
var (
	names  = []string{"server", "pager", "insecure_http", "accessible", "language", "theme", "no_update_notifier", "profile"}
	truths = []string{"insecure_http", "accessible", "no_update_notifier"}
	themes = []string{"auto", "light", "dark"} // the first by default

	// apart is what is said of one hub, and doesn't go for another.
	apart = []string{"server", "insecure_http"}
)

// Read reads the settings.
func Read(dir string, f Flags) (Config, error) {
	s, err := open(dir, f)
	if err == nil {
		err = s.known()
	}
	if err == nil {
		err = s.meant()
	}
	if err != nil {
		return Config{}, err
	}
	v := s.Viper
	return Config{
		s.Place, v.GetString("server"), v.GetString("pager"), v.GetBool("insecure_http"), v.GetBool("accessible"), v.GetString("language"), v.GetString("theme"),
		v.GetBool("no_update_notifier"),
	}, nil
}

// Settings are all settings, and what made each what it is.
func Settings(dir string, f Flags) ([]Setting, error) {
	o, err := open(dir, f)
	if err == nil {
		err = o.known()
	}
	if err != nil {
		return nil, err
	}
	all := make([]Setting, len(names))
	for i, name := range names {
		s := Setting{Name: name, Value: o.GetString(name), Origin: words.Mark("default")}
		variable := "CMH_" + strings.ToUpper(name)
		switch {
		case name == "profile":
			s.Value, s.Origin = o.Name, o.by
		case name == "server" && f.Server != "":
			s.Origin = "--server"
		case name == "theme" && f.Theme != "":
			s.Origin = "--theme"
		case name == "server" && o.pinned:
			s.Origin = file(o.Dir)
		case os.Getenv(variable) != "" && name != "accessible":
			s.Origin = variable
		case o.InConfig(name):
			s.Origin = file(o.Dir)
		case o.base.InConfig(name) && !slices.Contains(apart, name):
			s.Origin = file(dir)
		}
		if name == "accessible" {
			s.Value = strconv.FormatBool(o.GetBool(name))
			// Commands look at it themselves: 0 is no, anything else yes.
			if on := os.Getenv(variable); on != "" {
				s.Value, s.Origin = strconv.FormatBool(on != "0"), variable
			}
		}
		if name == "theme" {
			s.Value = cmp.Or(s.Value, themes[0])
		}
		if slices.Contains(truths, name) && name != "accessible" {
			s.Value = strconv.FormatBool(o.GetBool(name))
		}
		all[i] = s
	}
	return all, nil
}

// opened is the settings of a place. The Viper is its own file's, with the default
// one's settings as defaults.
type opened struct {
	*viper.Viper
	Place
	by     string       // what chose the place, as origins are told
	base   *viper.Viper // the default one's file
	pinned bool         // the flag for the profile chose the server with it

	flagged bool   // a flag names the server
	home    string // the server without that flag; empty for a profile that isn't there
}

func open(dir string, f Flags) (*opened, error) {
	base, err := read(dir)
	if err != nil {
		return nil, err
	}
	o := &opened{Viper: base, base: base}
	if o.Place, o.by, err = chosen(dir, f.Profile, base.GetString("profile")); err != nil {
		return nil, err
	}
	if o.Name == Default {
		o.SetDefault("server", DefaultServer)
	} else {
		if o.Viper, err = read(o.Dir); err != nil {
			return nil, err
		}
		for _, name := range names {
			if base.InConfig(name) && !slices.Contains(apart, name) {
				o.SetDefault(name, base.Get(name))
			}
		}
	}
	o.SetEnvPrefix("CMH")
	// A profile that a flag names has the hub that it is for.
	o.pinned = f.Profile != "" && f.Server == "" && o.InConfig("server")
	for _, name := range []string{"server", "pager", "insecure_http", "language", "theme", "no_update_notifier"} {
		if name != "server" || !o.pinned {
			_ = o.BindEnv(name) // fails for an empty name only
		}
	}
	o.home = o.GetString("server")
	if o.flagged = f.Server != ""; o.flagged {
		o.Set("server", f.Server)
	}
	if f.Theme != "" {
		o.Set("theme", f.Theme)
	}
	return o, nil
}

// read reads the file alone. None is an empty one, and so is that of no folder.
func read(dir string) (*viper.Viper, error) {
	v := viper.New()
	if dir == "" {
		return v, nil
	}
	v.SetConfigFile(file(dir))
	raw, err := lockfile.ReadFile(file(dir))
	if err == nil {
		err = v.ReadConfig(bytes.NewReader(raw))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, hub.Wrap(err, hub.Invalid, "%s can't be read. Mend it, or remove it.", v.ConfigFileUsed())
	}
	return v, nil
}
