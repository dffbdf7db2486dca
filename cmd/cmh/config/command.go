package config

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Setting is one setting as it is, and what made it so.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"` // the flag, the variable or the file that it is from; "default"
}

// Changeable reports whether what config.yaml says of the setting counts.
func (s Setting) Changeable() bool {
	return !strings.HasPrefix(s.Origin, "--") && !strings.HasPrefix(s.Origin, "CMH_")
}

// Command returns the config command.
func Command(env *cli.Env, dir func() string) *cobra.Command {
	return cli.Group("config", "See and change the settings of cmh on this machine",
		listCmd(env, dir), getCmd(env, dir), setCmd(env, dir), unsetCmd(env, dir), profilesCmd(env, dir))
}

// flags are what the command line says of the settings.
func flags(env *cli.Env) Flags { return Flags{env.Server, env.Profile, env.Look} }

func listCmd(env *cli.Env, dir func() string) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the settings, and where each is from",
		Example: "  cmh config list\n  cmh config list --json",
		Args:    cli.Args(),
		RunE: func(*cobra.Command, []string) error {
			all, err := Settings(dir(), flags(env))
			if err != nil {
				return err
			}
			return cli.PrintList(env, all,
				cli.Column[Setting]{Title: "NAME", Cell: func(s Setting) string { return s.Name }},
				cli.Column[Setting]{Title: "VALUE", Cell: func(s Setting) string { return s.Value }},
				cli.Column[Setting]{Title: "ORIGIN", Cell: func(s Setting) string { return s.Origin }, Word: true})
		},
	}
}

func getCmd(env *cli.Env, dir func() string) *cobra.Command {
	return &cobra.Command{
		Use:       "get NAME",
		Short:     "Print one setting",
		Example:   "  cmh config get server",
		ValidArgs: names,
		Args:      cli.Args("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := known(args[0]); err != nil {
				return err
			}
			all, err := Settings(dir(), flags(env))
			if err != nil {
				return err
			}
			s := all[slices.Index(names, args[0])]
			return cli.Print(env, s, func(w io.Writer) { _, _ = io.WriteString(w, cli.CleanLine(s.Value)+"\n") })
		},
	}
}

func setCmd(env *cli.Env, dir func() string) *cobra.Command {
	return &cobra.Command{
		Use:     "set NAME VALUE",
		Short:   "Change a setting in config.yaml",
		Example: "  cmh config set server https://hub.example.com\n  cmh config set theme light\n  cmh config set profile work",
		Args:    cli.Args("NAME", "VALUE"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return values(dir, args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := Set(dir(), flags(env), args[0], args[1]); err != nil {
				return err
			}
			return tell(env, dir(), args[0])
		},
	}
}

// values are what the word after these may be.
func values(dir func() string, args []string) []string {
	switch {
	case len(args) == 0:
		return names
	case len(args) > 1:
		return nil
	case args[0] == "profile":
		return Profiles(dir())
	}
	return Choices(args[0])
}

func unsetCmd(env *cli.Env, dir func() string) *cobra.Command {
	return &cobra.Command{
		Use:       "unset NAME",
		Short:     "Take a setting out of config.yaml",
		Example:   "  cmh config unset server",
		ValidArgs: names,
		Args:      cli.Args("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := Unset(dir(), flags(env), args[0]); err != nil {
				return err
			}
			return tell(env, dir(), args[0])
		},
	}
}

// tell says when what was changed is not what counts.
func tell(env *cli.Env, dir, name string) error {
	all, err := Settings(dir, flags(env))
	if err != nil {
		return err
	}
	s := all[slices.Index(names, name)]
	if s.Changeable() {
		env.Say("%s is %q now.", name, s.Value)
	} else {
		env.Say("%s stays %q: %s wins over the file.", name, s.Value, s.Origin)
	}
	return nil
}
