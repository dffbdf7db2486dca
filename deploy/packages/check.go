package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// check opens what was made and looks for what should be in it: nobody hands out
// what was never looked into. It says all that is wrong.
func (r *release) check(all []made) error {
	var wrong []error
	for _, m := range all {
		wrong = append(wrong, r.checkPackage(m.archive, m.files), r.checkNamed(m), r.checkMaterials(m))
		for _, kind := range kinds {
			if m.os != "linux" {
				break
			}
			files, err := r.installed(kind, m.files)
			if err == nil {
				err = r.checkPackage(r.name(m, "."+kind), files)
			}
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// checkPackage compares a package with the files that went into it, both ways.
func (r *release) checkPackage(name string, files []file) error {
	b, err := os.ReadFile(filepath.Join(r.out, name))
	if err != nil {
		return err
	}
	got, err := open(name, b)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var wrong []error
	for _, f := range files {
		at := strings.TrimPrefix(f.name, "/")
		if got[at] != (held{f.mode, sum(f.body)}) {
			wrong = append(wrong, fmt.Errorf("%s: %s is missing, or isn't what it should be", name, at))
		}
		delete(got, at)
	}
	for _, at := range sorted(got) {
		wrong = append(wrong, fmt.Errorf("%s: %s was never put there", name, at))
	}
	return errors.Join(wrong...)
}

// checkNamed looks whether the formula or the manifest for m's system leads to
// m's archive as it is.
func (r *release) checkNamed(m made) error {
	in := "cmh.rb"
	if m.os == "windows" {
		in = "cmh.json"
	}
	text, err := os.ReadFile(filepath.Join(r.out, in))
	if err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(r.out, m.archive))
	if err != nil {
		return err
	}
	_, after, _ := strings.Cut(string(text), `"`+r.address(m.archive)+`"`)
	if digits.FindString(after) != sum(b) { // the next one
		return fmt.Errorf("%s doesn't name %s and its sum", in, m.archive)
	}
	return nil
}

// digits are those of a sum.
var digits = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// checkMaterials compares what the bill says, which is read from the programs, with
// the modules that Go says they are made of, whose licences are beside them.
func (r *release) checkMaterials(m made) error {
	name := r.name(m, ".cdx.json")
	b, err := os.ReadFile(filepath.Join(r.out, name))
	if err != nil {
		return err
	}
	var bill struct {
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(b, &bill); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var said []string
	for _, c := range bill.Components {
		if c.Name != "std" {
			said = append(said, c.Name+" "+c.Version)
		}
	}
	slices.Sort(said)
	if !slices.Equal(said, m.modules) {
		return fmt.Errorf("%s lists %q, and the programs are made of %q", name, said, m.modules)
	}
	return nil
}
