package main

import (
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
	"github.com/cloudmastershub/cmh/tui/screen/settings"
)

// store is the settings of this machine, for their screen.
type store struct {
	dir   string
	flags config.Flags
}

func (s store) List() ([]settings.Setting, error) {
	all, err := config.Settings(s.dir, s.flags)
	out := make([]settings.Setting, len(all))
	for i, one := range all {
		out[i] = settings.Setting{
			Name: one.Name, Value: one.Value, Origin: one.Origin, About: config.About(one.Name), Choices: config.Choices(one.Name),
			Wins: !one.Changeable(),
		}
	}
	return out, err
}

func (s store) Set(name, value string) error { return config.Set(s.dir, s.flags, name, value) }

func (s store) Unset(name string) error { return config.Unset(s.dir, s.flags, name) }
