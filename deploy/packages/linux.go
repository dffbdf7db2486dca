package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// where says where a distribution has a file of an archive; "" leaves it out.
func where(name string) string {
	switch dir, base := path.Split(name); dir {
	case "":
		switch base {
		case "CHANGELOG.md":
			return "/usr/share/doc/cmh/changelog"
		case licences:
			return "/usr/share/doc/cmh/copyright"
		}
		if strings.HasSuffix(base, ".md") {
			return "/usr/share/doc/cmh/" + base
		}
		return "/usr/bin/" + base
	case "man/man1/":
		return "/usr/share/man/man1/" + base
	case "completions/bash/":
		return "/usr/share/bash-completion/completions/" + base
	case "completions/zsh/":
		return "/usr/share/zsh/vendor-completions/" + base
	case "completions/fish/":
		return "/usr/share/fish/vendor_completions.d/" + base
	}
	return ""
}

// distributions makes the packages of Debian, Red Hat and Alpine. They hold no
// scripts: there is nothing to do but to put files in their places.
func (r *release) distributions(ctx context.Context, m made) (err error) {
	type info struct {
		Mode  uint32 `json:"mode"`
		MTime string `json:"mtime"`
	}
	type content struct {
		Src  string `json:"src"`
		Dst  string `json:"dst"`
		Info info   `json:"file_info"`
	}
	date := r.date.Format(time.RFC3339)
	var contents []content
	for _, f := range m.files {
		dst := where(f.name)
		if dst == "" {
			continue
		}
		body := f.body
		if strings.HasPrefix(dst, "/usr/share/man/") || strings.HasSuffix(dst, "/changelog") { // as distributions want them
			dst += ".gz"
			if body, err = gzipped(body); err != nil {
				return err
			}
		}
		src := filepath.Join(r.work, m.os, m.arch, "files", filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(src), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(src, body, f.mode); err != nil {
			return err
		}
		contents = append(contents, content{src, dst, info{uint32(f.mode), date}})
	}
	config, err := json.Marshal(map[string]any{ // YAML is a superset of JSON
		"name": "cmh", "arch": m.arch, "platform": "linux", "version": r.plain(), "version_schema": "semver",
		"section": "education", "priority": "optional", "mtime": date,
		"maintainer":  "CloudMastersHub <packages@cloudmastershub.com>",
		"description": "Courses and hands-on labs in your terminal\nRead a lesson, open a lab in a real sandbox, have your work checked,\nsee your progress.",
		"homepage":    "https://github.com/cloudmastershub/cmh",
		"contents":    contents,
		"rpm":         map[string]any{"buildhost": "cmh", "group": "Applications/Education"},
		"suggests":    []string{"less"},
	})
	if err != nil {
		return err
	}
	file := filepath.Join(r.work, m.os, m.arch, "nfpm.yaml")
	if err := os.WriteFile(file, config, 0o644); err != nil {
		return err
	}
	for _, kind := range []string{"deb", "rpm", "apk"} {
		err := command(ctx, []string{fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.date.Unix())}, nil,
			r.nfpm, "package", "--config", file, "--packager", kind, "--target", filepath.Join(r.out, r.name(m, "."+kind)))
		if err != nil {
			return err
		}
	}
	return nil
}
