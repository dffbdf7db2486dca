// Package debian is the recipe of the base image: which packages it has, what
// of them is left out, and the script that makes it the small machine that
// scenarios know. Building it is package image's; what a scenario needs beyond
// it, package scenario's.
package debian

import (
	_ "embed"
	"strings"
)

//go:embed packages.txt
var packages string

// Setup is a script for sh, given the folder of a bare Debian tree.
//
//go:embed setup.sh
var Setup string

//go:embed leftout.txt
var leftOut string

// LeftOut are what dpkg is told to leave out of them, in its own words.
func LeftOut() (options []string) {
	for _, glob := range List(leftOut) {
		if back, ok := strings.CutPrefix(glob, "+"); ok {
			options = append(options, "path-include="+back)
		} else {
			options = append(options, "path-exclude="+glob)
		}
	}
	return options
}

// Packages are those beyond Debian's minimal set.
func Packages() []string { return List(packages) }

// List reads a list of names: one or more a line, and comments after #.
func List(text string) (names []string) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		names = append(names, strings.Fields(line)...)
	}
	return names
}
