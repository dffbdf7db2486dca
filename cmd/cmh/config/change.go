package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/lockfile"
	"github.com/cloudmastershub/cmh/words"
)

// Set changes a setting in config.yaml, unless value is nothing that it can be.
func Set(dir string, f Flags, name, value string) error {
	to, err := target(dir, f, name)
	if err != nil {
		return err
	}
	if err := fits(dir, f, name, value); err != nil {
		return err
	}
	return change(to, func(file map[string]any) {
		file[name] = any(value)
		if slices.Contains(truths, name) {
			file[name] = value == "true"
		}
	})
}

// Unset takes a setting out of config.yaml.
func Unset(dir string, f Flags, name string) error {
	to, err := target(dir, f, name)
	if err != nil {
		return err
	}
	return change(to, func(file map[string]any) { delete(file, name) })
}

// target is the folder of the file that holds a setting: which profile counts is
// written to the default one's.
func target(dir string, f Flags, name string) (string, error) {
	if err := known(name); err != nil {
		return "", err
	}
	if name == "profile" {
		return dir, nil
	}
	o, err := open(dir, f)
	if err == nil && name != "server" { // which makes the profile
		err = o.known()
	}
	if err != nil {
		return "", err
	}
	return o.Dir, nil
}

// Choices are what a setting may be; none is any text.
func Choices(name string) []string {
	switch {
	case slices.Contains(truths, name):
		return []string{"true", "false"}
	case name == "language":
		return []string{"en", "de"}
	case name == "theme":
		return themes
	}
	return nil
}

// About says in a sentence what a setting is.
func About(name string) string { return about[name] }

var about = map[string]string{
	"server":        words.Mark("The address of the hub."),
	"pager":         words.Mark("The program that shows long texts of commands, such as less -FRX."),
	"insecure_http": words.Mark("Let http:// leave this machine, unencrypted."),
	"accessible":    words.Mark("Lines of text instead of screens, to be read aloud."),
	"language":      words.Mark("The language that cmh speaks; by default the one of your environment."),
	"theme":         words.Mark("Colours for a light or a dark terminal; auto asks it which it is."),
	"profile":       words.Mark("Which of several hubs: cmh config profiles lists them."),

	"no_update_notifier": words.Mark("Say nothing of a newer cmh."),
}

// fits refuses what every later command would fail with, or pass over.
func fits(dir string, f Flags, name, value string) error {
	switch {
	case slices.Contains(truths, name):
		if value != "true" && value != "false" {
			return hub.Errorf(hub.Invalid, "%s is true or false, and %q is neither.", name, value)
		}
	case name == "language":
		if _, ok := words.In(value); !ok {
			return hub.Errorf(hub.Invalid, "%q is no language that cmh speaks: en or de.", value)
		}
	case name == "theme":
		if !slices.Contains(themes, value) {
			return hub.Errorf(hub.Invalid, "%s is auto, light or dark, and %q is none of them.", name, value)
		}
	case name == "server":
		o, err := open(dir, f)
		if err != nil {
			return err
		}
		return client.CheckAddress(value, o.GetBool("insecure_http"))
	case name == "profile":
		_, err := Read(dir, Flags{Profile: value})
		return err
	}
	return nil
}

func known(name string) error {
	if !slices.Contains(names, name) {
		return hub.Errorf(hub.Invalid, "There is no setting %q. The settings are: %s.", name, strings.Join(names, ", "))
	}
	return nil
}

// ErrNoHome refuses to keep anything where Dir is empty. Later is no better.
var ErrNoHome = hub.Errorf(hub.Invalid, "There is no home folder to keep anything in. Set HOME, or CMH_CONFIG_DIR.")

// change rewrites config.yaml, whole or not at all. What it has besides the
// settings stays; remarks don't.
func change(dir string, edit func(file map[string]any)) error {
	if dir == "" {
		return ErrNoHome
	}
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
	return lockfile.Replace(tmp.Name(), file(dir))
}

func file(dir string) string { return filepath.Join(dir, "config.yaml") }
