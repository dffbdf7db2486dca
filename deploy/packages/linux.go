package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// kinds are the packages of Debian, Red Hat and Alpine.
var kinds = []string{"deb", "rpm", "apk"}

// where says where a kind of package has a file of an archive; "" leaves it out.
func where(kind, name string) string {
	const doc, own = "/usr/share/doc/cmh/", "/usr/share/licenses/cmh/"
	switch dir, base := path.Split(name); dir {
	case "":
		switch {
		case kind == "deb" && base == "CHANGELOG.md":
			return doc + "changelog.gz"
		case kind == "deb" && base == licences:
			return doc + "copyright"
		case base == licences:
			return own + base
		case strings.HasSuffix(base, ".md"):
			return doc + base
		}
		return "/usr/bin/" + base
	case "man/man1/":
		return "/usr/share/man/man1/" + base + ".gz"
	case "completions/bash/":
		return "/usr/share/bash-completion/completions/" + base
	case "completions/zsh/":
		if kind == "deb" {
			return "/usr/share/zsh/vendor-completions/" + base
		}
		return "/usr/share/zsh/site-functions/" + base
	case "completions/fish/":
		return "/usr/share/fish/vendor_completions.d/" + base
	}
	return ""
}

// installed is what a kind of package puts where.
func (r *release) installed(kind string, files []file) ([]file, error) {
	var all []file
	for _, f := range files {
		if kind == "deb" && f.name == licences {
			f.body = brief(f.body)
		}
		if f.name = where(kind, f.name); f.name != "" {
			all = append(all, f)
		}
	}
	if kind == "deb" {
		all = append(all,
			file{"/usr/share/doc/cmh/changelog.Debian.gz", 0o644, []byte(r.debianChangelog())},
			file{"/usr/share/lintian/overrides/cmh", 0o644, []byte(overrides)})
	}
	for i, f := range all {
		if !strings.HasSuffix(f.name, ".gz") {
			continue
		}
		body, err := gzipped(f.body)
		if err != nil {
			return nil, err
		}
		all[i].body = body
	}
	return all, nil
}

// debianChangelog is about the package, as Debian has it; what is new in cmh is in
// the changelog beside it.
func (r *release) debianChangelog() string {
	return fmt.Sprintf("cmh (%s) stable; urgency=medium\n\n  * Version %s of cmh. What is new in it: changelog.gz.\n\n -- %s  %s\n",
		r.debianVersion(), r.plain(), maintainer, r.date.Format(time.RFC1123Z))
}

const maintainer = "CloudMastersHub <packages@cloudmastershub.com>"

// revision is a package's own, of one version of cmh.
const revision = "1"

// debianVersion is a version in the way of Debian, where what comes before another
// has a tilde.
func (r *release) debianVersion() string {
	core, meta, hasMeta := strings.Cut(r.plain(), "+")
	core = strings.Replace(core, "-", "~", 1)
	if hasMeta {
		core += "+" + meta
	}
	return core + "-" + revision
}

// overrides says to lintian what is meant to be as it is.
const overrides = `# Go's programs hold all that they need, and run on every distribution.
cmh: statically-linked-binary
# They take their addresses from the linker; what is written in Go needs no other.
cmh: hardening-no-pie
# It is no package of Debian's: nobody has asked for it there.
cmh: initial-upload-closes-no-bugs
`

// distributions makes the packages of distributions. They hold no scripts: there
// is nothing to do but to put files in their places.
func (r *release) distributions(ctx context.Context, m made) error {
	for _, kind := range kinds {
		files, err := r.installed(kind, m.files)
		if err == nil {
			err = r.distribution(ctx, m, kind, files)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

func (r *release) distribution(ctx context.Context, m made, kind string, files []file) error {
	type info struct {
		Mode  fs.FileMode `json:"mode"`
		MTime string      `json:"mtime"`
	}
	type content struct {
		Src  string `json:"src"`
		Dst  string `json:"dst"`
		Type string `json:"type,omitempty"`
		Info info   `json:"file_info"`
	}
	date, dir := r.date.Format(time.RFC3339), filepath.Join(r.work, m.os, m.arch, kind)
	contents := make([]content, 0, len(files))
	for _, f := range files {
		src := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(src), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(src, f.body, 0o644); err != nil {
			return err
		}
		c := content{Src: src, Dst: f.name, Info: info{f.mode, date}}
		switch {
		case kind != "rpm":
		case strings.HasPrefix(f.name, "/usr/share/licenses/"):
			c.Type = "license"
		case strings.HasPrefix(f.name, "/usr/share/doc/"), strings.HasPrefix(f.name, "/usr/share/man/"):
			c.Type = "doc"
		}
		contents = append(contents, c)
	}
	ssh := map[string]string{"deb": "openssh-client", "rpm": "openssh-clients", "apk": "openssh-client"}[kind]
	config, err := json.Marshal(map[string]any{ // YAML is a superset of JSON
		"name": "cmh", "arch": m.arch, "platform": "linux", "version": r.plain(), "version_schema": "semver", "release": revision,
		"section": "education", "priority": "optional", "mtime": date, "disable_globbing": true,
		"maintainer":  maintainer,
		"vendor":      "CloudMastersHub",
		"description": "Courses and hands-on labs in your terminal\nRead a lesson, open a lab in a real sandbox, have your work checked,\nsee your progress.",
		"homepage":    home,
		"license":     "LicenseRef-CloudMastersHub", // copyright, LICENSES.txt
		"contents":    contents,
		"rpm":         map[string]any{"buildhost": "cmh", "group": "Applications/Education", "summary": "Courses and hands-on labs in your terminal"},
		"recommends":  []string{"ca-certificates"},
		"suggests":    []string{"less", ssh},
	})
	if err != nil {
		return err
	}
	yaml := filepath.Join(dir, "nfpm.yaml")
	if err := os.WriteFile(yaml, config, 0o644); err != nil {
		return err
	}
	return command(ctx, []string{fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.date.Unix())}, nil,
		r.nfpm, "package", "--config", yaml, "--packager", kind, "--target", filepath.Join(r.out, r.name(m, "."+kind)))
}
