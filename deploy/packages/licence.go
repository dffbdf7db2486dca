package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// licences is the file of an archive that says whose code is in its programs: they
// ask for no more than that their words go with it.
const licences = "LICENSES.txt"

var licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// licence collects the licences of all modules that a target's programs are made
// of, from where Go keeps the modules, and lists these. One without a licence ends
// it.
func (r *release) licence(ctx context.Context, goos, arch string) (file, []string, error) {
	args := []string{"list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}"}
	for _, name := range sorted(programs(goos)) {
		args = append(args, programs(goos)[name])
	}
	var out, root bytes.Buffer
	if err := command(ctx, []string{"CGO_ENABLED=0", "GOFLAGS=", "GOOS=" + goos, "GOARCH=" + arch}, &out, "go", args...); err != nil {
		return file{}, nil, err
	}
	if err := command(ctx, nil, &root, "go", "env", "GOROOT", "GOVERSION"); err != nil {
		return file{}, nil, err
	}
	goRoot, goVersion, _ := strings.Cut(strings.TrimSpace(root.String()), "\n")
	dirs := map[string]string{}
	for line := range strings.Lines(out.String()) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 {
			dirs[f[0]+" "+f[1]] = f[2]
		}
	}
	modules := sorted(dirs)
	dirs["The Go standard library "+goVersion] = goRoot
	var b bytes.Buffer
	fmt.Fprintf(&b, "CloudMastersHub, https://github.com/cloudmastershub/cmh\nCopyright (C) %d CloudMastersHub\n\n"+
		"The programs of this package hold code of others, each under its own licence:\n", r.date.Year())
	for _, of := range sorted(dirs) {
		text, err := licenceIn(dirs[of])
		if err != nil && dirs[of] == goRoot {
			return file{}, nil, fmt.Errorf("%s: %w, as some distributions leave it: use Go from https://go.dev/dl, or lay its LICENSE there", of, err)
		}
		if err != nil {
			return file{}, nil, fmt.Errorf("%s: %w", of, err)
		}
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", of, strings.Repeat("-", len(of)), text)
	}
	return file{licences, 0o644, b.Bytes()}, modules, nil
}

// apache is the text that Debian has once for all packages, and wants in none. Not
// everybody has its last line.
var apache = regexp.MustCompile(`(?s)[ \t]*(Apache License\s+Version 2\.0, January 2004.*?any such warranty or additional\s+liability\.)(?:\s+END OF TERMS AND CONDITIONS)?`)

// apacheSum is that text's, with one blank wherever there are several and lines end.
const apacheSum = "09ae9bf1886f530f7338889ef805f37b288ec6adedd1e1e32058921acf05a782"

// brief says of that text where Debian has it. One that differs by a word stays.
func brief(licences []byte) []byte {
	return apache.ReplaceAllFunc(licences, func(text []byte) []byte {
		words := strings.ReplaceAll(strings.Join(strings.Fields(string(apache.FindSubmatch(text)[1])), " "), "https://", "http://")
		if sum([]byte(words)) != apacheSum {
			return text
		}
		return []byte("Apache License, version 2.0: on Debian systems its text is in\n/usr/share/common-licenses/Apache-2.0.")
	})
}

func licenceIn(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var all []string
	for _, e := range entries {
		if !e.Type().IsRegular() || !licenceName.MatchString(e.Name()) || filepath.Ext(e.Name()) == ".go" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		all = append(all, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
	}
	if len(all) == 0 {
		return "", fmt.Errorf("there is no licence in %s", dir)
	}
	return strings.Join(all, "\n\n"), nil
}
