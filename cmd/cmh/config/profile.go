package config

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Default is what the profile is called that needs no name.
const Default = "default"

// A Place is where a profile's files are: config.yaml, sign-ins, what ssh knows.
type Place struct {
	Name string // Default, or what the learner calls it
	Dir  string // empty where there is none
}

// Apart makes of a server's address a name under which things are kept, so that
// two profiles of one hub don't meet. For Default it is the address.
func (p Place) Apart(server string) string {
	if p.Name == Default || p.Name == "" {
		return server
	}
	return p.Name + " " + server // no name and no address has a blank
}

// at is the place of a profile. It may not exist yet.
func at(dir, name string) Place {
	if name == Default || dir == "" {
		return Place{name, dir}
	}
	return Place{name, filepath.Join(dir, profiles, name)}
}

const profiles = "profiles" // the folder

// chosen says which profile counts, and what made it so: the flag, CMH_PROFILE,
// or the setting in the file of the default one.
func chosen(dir, flag, setting string) (p Place, by string, err error) {
	for _, wish := range []struct{ name, by string }{
		{flag, "--profile"}, {os.Getenv("CMH_PROFILE"), "CMH_PROFILE"}, {setting, file(dir)}, {Default, "default"},
	} {
		if wish.name == "" {
			continue
		}
		if !isProfile(wish.name) {
			return Place{}, "", hub.Errorf(hub.Invalid, "%q can't be a profile's name: small letters, digits, - and _, 32 at most.", wish.name)
		}
		return at(dir, wish.name), wish.by, nil
	}
	return Place{}, "", nil // the last one has a name
}

// isProfile accepts what is one folder's name on every system.
func isProfile(name string) bool {
	return name != "" && len(name) <= 32 && name[0] != '-' && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// known refuses a profile that has no hub: most are misspelled. A hub that the
// environment names makes none: it is there whatever the profile is called.
func (o *opened) known() error {
	if o.Name == Default || o.flagged || o.InConfig("server") {
		return nil
	}
	return hub.Errorf(hub.Invalid, "There is no profile %q. There are: %s. Make one with: cmh auth login --profile %s --server URL",
		o.Name, strings.Join(Profiles(filepath.Dir(filepath.Dir(o.Dir))), ", "), o.Name)
}

// meant refuses to take a token of the environment to another hub than its own:
// the one in CMH_SERVER, else the one that the settings name. A line that somebody
// was told to type must not carry it off.
func (o *opened) meant() error {
	if os.Getenv("CMH_TOKEN") == "" {
		return nil
	}
	named := os.Getenv("CMH_SERVER")
	switch server := o.GetString("server"); {
	case o.flagged && !sameHub(server, o.home):
		return hub.Errorf(hub.Invalid, "CMH_TOKEN goes to the hub in CMH_SERVER or your settings, and --server %s is another. If the token is for that one, set CMH_SERVER to it; if not, unset CMH_TOKEN.", server)
	case o.pinned && named != "" && !sameHub(server, named):
		return hub.Errorf(hub.Invalid, "CMH_TOKEN is for the hub in CMH_SERVER, and --profile %s is another. Unset CMH_TOKEN, or leave --profile out.", o.Name)
	}
	return nil
}

// sameHub reports whether two addresses are spellings of one, as encrypted as each
// other.
func sameHub(a, b string) bool { return canonical(a) == canonical(b) }

func canonical(address string) string {
	u, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil {
		return address
	}
	port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	u.Host = strings.TrimSuffix(strings.ToLower(u.Host), port)
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/api/v1"), "/v1")
	return u.String()
}

// Profiles are the names of all profiles, Default first.
func Profiles(dir string) []string {
	all := []string{Default}
	if dir == "" {
		return all
	}
	entries, _ := os.ReadDir(filepath.Join(dir, profiles)) // none: no other
	for _, e := range entries {
		if _, err := os.Stat(file(at(dir, e.Name()).Dir)); err == nil && isProfile(e.Name()) && e.Name() != Default {
			all = append(all, e.Name())
		}
	}
	return all
}

// Remember writes down which hub a profile is for, once somebody has signed in
// there. The default one stays as its settings have it.
func Remember(dir string, f Flags) error {
	o, err := open(dir, f)
	if err != nil || o.Name == Default || o.InConfig("server") {
		return err
	}
	server, plain := o.GetString("server"), o.GetBool("insecure_http")
	return change(o.Dir, func(file map[string]any) {
		file["server"] = server
		if plain {
			file["insecure_http"] = true
		}
	})
}
