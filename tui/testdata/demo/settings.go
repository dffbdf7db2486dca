package demo

import (
	"slices"
	"sync"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui/screen/settings"
)

// Settings are some, in memory.
type Settings struct {
	mu  sync.Mutex
	all []settings.Setting
}

// SomeSettings are a server from a variable, a language from the file, and the
// rest by default.
func SomeSettings() *Settings {
	return &Settings{all: []settings.Setting{
		{Name: "server", Value: "https://hub.example.com", Origin: "CMH_SERVER", About: "The address of the hub.", Wins: true},
		{Name: "pager", Origin: "default", About: "The program that shows long texts of commands, such as less -FRX."},
		{Name: "accessible", Value: "false", Origin: "default", About: "Lines of text instead of screens, to be read aloud.", Choices: []string{"true", "false"}},
		{Name: "language", Value: "de", Origin: "/home/ana/.config/cmh/config.yaml", About: "The language that cmh speaks; by default the one of your environment.", Choices: []string{"en", "de"}},
		{Name: "theme", Value: "auto", Origin: "default", About: "Colours for a light or a dark terminal; auto asks it which it is.", Choices: []string{"auto", "light", "dark"}},
	}}
}

// List is all of them.
func (s *Settings) List() ([]settings.Setting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all), nil
}

// Set takes any value but "nonsense".
func (s *Settings) Set(name, value string) error {
	if value == "nonsense" {
		return hub.Errorf(hub.Invalid, "The address of the hub must begin with https:// or http://.")
	}
	return s.change(name, value, "/home/ana/.config/cmh/config.yaml")
}

// Unset takes one away.
func (s *Settings) Unset(name string) error { return s.change(name, "", "default") }

func (s *Settings) change(name, value, origin string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.all {
		if one := &s.all[i]; one.Name == name && !one.Wins {
			one.Value, one.Origin = value, origin
		}
	}
	return nil
}
