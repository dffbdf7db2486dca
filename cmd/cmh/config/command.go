package config

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words"
)

// Setting is one setting as it is, and what made it so.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"` // the flag, the variable or the file that it is from; "default"
}

// Command returns the config command.
func Command(env *cli.Env, dir func() string) *cobra.Command {
	return cli.Group("config", "See and change the settings of cmh on this machine",
		listCmd(env, dir), getCmd(env, dir), setCmd(env, dir), unsetCmd(env, dir))
}

func listCmd(env *cli.Env, dir func() string) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the settings, and where each is from",
		Example: "  cmh config list\n  cmh config list --json",
		Args:    cli.Args(),
		RunE: func(*cobra.Command, []string) error {
			all, err := Settings(dir(), env.Server)
			if err != nil {
				return err
			}
			return cli.PrintList(env, all,
				cli.Column[Setting]{Title: "NAME", Cell: func(s Setting) string { return s.Name }},
				cli.Column[Setting]{Title: "VALUE", Cell: func(s Setting) string { return s.Value }},
				cli.Column[Setting]{Title: "ORIGIN", Cell: func(s Setting) string { return s.Origin }})
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
			all, err := Settings(dir(), env.Server)
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
		Use:       "set NAME VALUE",
		Short:     "Change a setting in config.yaml",
		Example:   "  cmh config set server https://hub.example.com\n  cmh config set accessible true",
		ValidArgs: names,
		Args:      cli.Args("NAME", "VALUE"),
		RunE: func(_ *cobra.Command, args []string) error {
			name, value := args[0], args[1]
			if err := known(name); err != nil {
				return err
			}
			if err := fits(dir(), name, value); err != nil {
				return err
			}
			if err := change(dir(), func(file map[string]any) {
				file[name] = any(value)
				if slices.Contains(truths, name) {
					file[name] = value == "true"
				}
			}); err != nil {
				return err
			}
			return tell(env, dir(), name)
		},
	}
}

func unsetCmd(env *cli.Env, dir func() string) *cobra.Command {
	return &cobra.Command{
		Use:       "unset NAME",
		Short:     "Take a setting out of config.yaml",
		Example:   "  cmh config unset server",
		ValidArgs: names,
		Args:      cli.Args("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := known(args[0]); err != nil {
				return err
			}
			if err := change(dir(), func(file map[string]any) { delete(file, args[0]) }); err != nil {
				return err
			}
			return tell(env, dir(), args[0])
		},
	}
}

// tell says when what was changed is not what counts.
func tell(env *cli.Env, dir, name string) error {
	all, err := Settings(dir, env.Server)
	if err != nil {
		return err
	}
	s := all[slices.Index(names, name)]
	switch s.Origin {
	case "default", file(dir):
		env.Say("%s is %q now.", name, s.Value)
	default:
		env.Say("%s stays %q: %s wins over the file.", name, s.Value, s.Origin)
	}
	return nil
}

// fits refuses what every later command would fail with, or pass over.
func fits(dir, name, value string) error {
	switch {
	case slices.Contains(truths, name):
		if value != "true" && value != "false" {
			return hub.Errorf(hub.Invalid, "%s is true or false, and %q is neither.", name, value)
		}
	case name == "language":
		if _, ok := words.In(value); !ok {
			return hub.Errorf(hub.Invalid, "%q is no language that cmh speaks: en or de.", value)
		}
	case name == "server":
		v, err := open(dir, "")
		if err != nil {
			return err
		}
		return client.CheckAddress(value, v.GetBool("insecure_http"))
	}
	return nil
}

func known(name string) error {
	if !slices.Contains(names, name) {
		return hub.Errorf(hub.Invalid, "There is no setting %q. The settings are: %s.", name, strings.Join(names, ", "))
	}
	return nil
}

// change rewrites config.yaml, whole or not at all. What it has besides the
// settings stays; remarks don't.
func change(dir string, edit func(file map[string]any)) error {
	v, err := read(dir)
	if err != nil {
		return err
	}
	settings := v.AllSettings()
	edit(settings)
	// A line of JSON is YAML as well, and its quotes leave no value to be taken for
	// something else.
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		b.WriteString(name + ": ")
		if err := lines.Encode(settings[name]); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "config-*.yaml") // readable by its owner only
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone where it was renamed
	if _, err := tmp.Write(b.Bytes()); err != nil {
		_ = tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file(dir))
}

func file(dir string) string { return filepath.Join(dir, "config.yaml") }
