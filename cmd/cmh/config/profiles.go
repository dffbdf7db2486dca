package config

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/lockfile"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Profile is one of the hubs that this machine knows.
type Profile struct {
	Name   string `json:"name"`
	Server string `json:"server"`
	InUse  bool   `json:"in_use"`
	Folder string `json:"folder"`
}

func profilesCmd(env *cli.Env, dir func() string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profiles",
		Short: "List the profiles: several hubs, each with its own sign-in",
		Long: "List the profiles. Each has a hub, settings, a sign-in, what ssh knows, and what is kept for offline, all apart from the others. " +
			"--profile or CMH_PROFILE chooses one for a command, cmh config set profile NAME for all that follow. " +
			"A profile is made by signing in with it; what its file doesn't set it takes from the default one, but for server and insecure_http.",
		Example: "  cmh auth login --profile work --server https://hub.example.com\n  cmh course list --profile work\n  cmh config profiles",
		Args:    cli.Args(),
		RunE: func(*cobra.Command, []string) error {
			all, err := list(dir(), flags(env))
			if err != nil {
				return err
			}
			return cli.PrintList(env, all,
				cli.Column[Profile]{Title: "NAME", Cell: func(p Profile) string { return p.Name }},
				cli.Column[Profile]{Title: "IN USE", Cell: func(p Profile) string { return cli.YesNo(p.InUse) }},
				cli.Column[Profile]{Title: "SERVER", Cell: func(p Profile) string { return p.Server }})
		},
	}
	cmd.AddCommand(removeCmd(env, dir))
	return cmd
}

func list(dir string, f Flags) ([]Profile, error) {
	now, err := open(dir, f)
	if err != nil {
		return nil, err
	}
	var all []Profile
	for _, name := range Profiles(dir) {
		p := at(dir, name)
		v, err := read(p.Dir)
		if err != nil {
			return nil, err
		}
		server := v.GetString("server")
		if server == "" && name == Default {
			server = DefaultServer
		}
		all = append(all, Profile{name, server, name == now.Name, p.Dir})
	}
	return all, nil
}

func removeCmd(env *cli.Env, dir func() string) *cobra.Command {
	return &cobra.Command{
		Use:     "remove PROFILE",
		Short:   "Remove a profile that is signed out, with its settings",
		Example: "  cmh auth logout --profile work && cmh config profiles remove work",
		Args:    cli.Args("PROFILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			if !isProfile(name) || name == Default {
				return hub.Errorf(hub.Invalid, "%q is no profile that can be removed.", name)
			}
			p := at(dir(), name)
			if _, err := os.Stat(p.Dir); err != nil { // also where there is no folder
				return hub.Errorf(hub.NotFound, "There is no profile %q.", name)
			}
			if b, err := lockfile.ReadFile(filepath.Join(p.Dir, "credentials.json")); err == nil && len(b) > len("{}\n") {
				return hub.Errorf(hub.Conflict, "%s is signed in. Sign out first: cmh auth logout --profile %s", name, name)
			}
			if err := env.Confirm(cmd.Context(), "Remove the profile, and the SSH key that its labs know?"); err != nil {
				return err
			}
			if err := os.RemoveAll(p.Dir); err != nil {
				return err
			}
			if v, err := read(dir()); err != nil || v.GetString("profile") != name {
				return err
			}
			return change(dir(), func(file map[string]any) { delete(file, "profile") })
		},
	}
}
