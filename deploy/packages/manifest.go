package main

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"time"
)

// materials writes a target's bill of materials, CycloneDX, out of what Go wrote
// into its programs: it can't list what isn't in them, nor forget what is.
func (r *release) materials(m made) error {
	type property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	type component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		PURL       string     `json:"purl,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	found := map[string]component{}
	for _, f := range m.files {
		info, err := buildinfo.Read(bytes.NewReader(f.body))
		if err != nil {
			continue // no program
		}
		goVersion := strings.TrimPrefix(info.GoVersion, "go")
		found["std"] = component{Type: "library", Ref: "std", Name: "std", Version: goVersion, PURL: "pkg:golang/std@" + goVersion}
		for _, d := range info.Deps {
			if d.Replace != nil {
				d = d.Replace
			}
			purl := "pkg:golang/" + d.Path + "@" + d.Version
			c := found[d.Path]
			if c.Name == "" {
				c = component{Type: "library", Ref: purl, Name: d.Path, Version: d.Version, PURL: purl, Properties: []property{{"go:sum", d.Sum}}}
			}
			c.Properties = append(c.Properties, property{"cmh:program", f.name})
			found[d.Path] = c
		}
	}
	components := make([]component, 0, len(found))
	for _, path := range sorted(found) {
		components = append(components, found[path])
	}
	b, err := json.MarshalIndent(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata": map[string]any{
			"timestamp": r.date.Format(time.RFC3339),
			"component": component{Type: "application", Ref: m.archive, Name: "cmh", Version: r.plain(), PURL: "pkg:golang/" + module + "@v" + r.plain(), Properties: []property{{"sha256", m.sum}}},
		},
		"components": components,
	}, "", "  ")
	if err != nil {
		return err
	}
	return r.write(r.name(m, ".cdx.json"), append(b, '\n'))
}

func (r *release) address(archive string) string {
	return fmt.Sprintf("%s/v%s/%s", r.url, r.plain(), archive)
}

var formula = template.Must(template.New("cmh.rb").Parse(`class Cmh < Formula
  desc "Courses and hands-on labs in your terminal"
  homepage "{{.Home}}"
  version "{{.Version}}"
  license :cannot_represent
{{range .Systems}}
  on_{{.Brew}} do{{range .Archives}}
    on_{{.CPU}} do
      url "{{.URL}}"
      sha256 "{{.Sum}}"
    end{{end}}
  end
{{end}}
  def install
    # cmh finds the others beside itself, behind Homebrew's link to it.
    libexec.install Dir["cmh*", "lab-agent"].select { |f| File.file?(f) && File.executable?(f) }
    bin.install_symlink libexec/"cmh"
    man1.install Dir["man/man1/*"]
    bash_completion.install "completions/bash/cmh"
    zsh_completion.install "completions/zsh/_cmh"
    fish_completion.install "completions/fish/cmh.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/cmh --version")
    assert_match "go", shell_output("#{bin}/cmh version --jq .go")
  end
end
`))

// formula writes Homebrew's, for macOS and Linux.
func (r *release) formula(all []made) error {
	type archive struct{ CPU, URL, Sum string }
	type system struct {
		Brew     string
		Archives []archive
	}
	cpus := map[string]string{"amd64": "intel", "arm64": "arm"}
	var systems []system
	for _, s := range []struct{ goos, brew string }{{"darwin", "macos"}, {"linux", "linux"}} {
		one := system{Brew: s.brew}
		for _, m := range all {
			if m.os == s.goos {
				one.Archives = append(one.Archives, archive{cpus[m.arch], r.address(m.archive), m.sum})
			}
		}
		slices.SortFunc(one.Archives, func(a, b archive) int { return cmp.Compare(a.CPU, b.CPU) }) // Homebrew's order
		if one.Archives != nil {
			systems = append(systems, one)
		}
	}
	var b bytes.Buffer
	if err := formula.Execute(&b, map[string]any{"Home": home, "Version": r.plain(), "Systems": systems}); err != nil {
		return err
	}
	return r.write("cmh.rb", b.Bytes())
}

// scoop writes the manifest for Windows.
func (r *release) scoop(all []made) error {
	type archive struct {
		URL  string `json:"url"`
		Hash string `json:"hash,omitempty"`
	}
	names := map[string]string{"amd64": "64bit", "arm64": "arm64"}
	archives, next := map[string]archive{}, map[string]archive{}
	for _, m := range all {
		if m.os == "windows" {
			archives[names[m.arch]] = archive{r.address(m.archive), m.sum}
			next[names[m.arch]] = archive{URL: strings.ReplaceAll(r.address(m.archive), r.plain(), "$version")}
		}
	}
	if len(archives) == 0 {
		return nil
	}
	b, err := json.MarshalIndent(struct {
		Version      string             `json:"version"`
		Description  string             `json:"description"`
		Homepage     string             `json:"homepage"`
		License      string             `json:"license"`
		Architecture map[string]archive `json:"architecture"`
		Bin          string             `json:"bin"`
		Checkver     map[string]string  `json:"checkver"`
		Autoupdate   map[string]any     `json:"autoupdate"`
	}{
		r.plain(), "Courses and hands-on labs in your terminal", home, "Proprietary", archives, "cmh.exe",
		map[string]string{"github": home},
		map[string]any{"architecture": next, "hash": map[string]string{"url": "$baseurl/checksums.txt"}},
	}, "", "    ")
	if err != nil {
		return err
	}
	return r.write("cmh.json", append(b, '\n'))
}
