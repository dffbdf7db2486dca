package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// What is made depends on what goes in, and on nothing else.
func TestTwiceTheSame(t *testing.T) {
	t.Parallel()
	one, another := packed(t), pack(t)
	names := sorted(one)
	want := []string{
		"checksums.txt", "cmh.json", "cmh.rb", "cmh_1.2.3_darwin_arm64.cdx.json", "cmh_1.2.3_darwin_arm64.tar.gz", "cmh_1.2.3_image.tar",
		"cmh_1.2.3_linux_amd64.cdx.json", "cmh_1.2.3_linux_amd64.tar.gz", "cmh_1.2.3_windows_amd64.cdx.json", "cmh_1.2.3_windows_amd64.zip",
	}
	if !slices.Equal(names, want) {
		t.Errorf("made %q, want %q", names, want)
	}
	for _, name := range names {
		if !bytes.Equal(one[name], another[name]) {
			t.Errorf("%s differs", name)
		}
		if name != "checksums.txt" && !strings.Contains(string(one["checksums.txt"]), sum(one[name])+"  "+name+"\n") {
			t.Errorf("checksums.txt is not right about %s", name)
		}
	}
	for file, archives := range map[string][]string{"cmh.rb": {"linux_amd64.tar.gz", "darwin_arm64.tar.gz"}, "cmh.json": {"windows_amd64.zip"}} {
		for _, a := range archives {
			a = "cmh_1.2.3_" + a
			if s := string(one[file]); !strings.Contains(s, "https://example.com/v1.2.3/"+a) || !strings.Contains(s, sum(one[a])) {
				t.Errorf("%s does not name %s and its sum:\n%s", file, a, s)
			}
		}
	}
	var bom struct {
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal(one["cmh_1.2.3_linux_amd64.cdx.json"], &bom); err != nil || len(bom.Components) == 0 || bom.Components[len(bom.Components)-1].Name != "std" {
		t.Errorf("%v: %+v", err, bom)
	}
}

// An engine looks each blob up by the sum that the one above names, and checks
// the layer by the sum of what is in it.
func TestImage(t *testing.T) {
	t.Parallel()
	blobs := map[string][]byte{}
	for tr := tar.NewReader(bytes.NewReader(packed(t)["cmh_1.2.3_image.tar"])); ; {
		h, err := tr.Next()
		if err != nil {
			break
		}
		var b bytes.Buffer
		_, _ = b.ReadFrom(tr)
		blobs[h.Name] = b.Bytes()
		if dir, digest := filepath.Split(h.Name); dir == "blobs/sha256/" && digest != sum(b.Bytes()) {
			t.Errorf("%s holds something else", h.Name)
		}
	}
	type node struct {
		Manifests []descriptor
		Config    descriptor
		Layers    []descriptor
		Rootfs    struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	open := func(name string) (n node) {
		if err := json.Unmarshal(blobs[name], &n); err != nil {
			t.Fatal(name, err)
		}
		return n
	}
	blob := func(d descriptor) string {
		name := "blobs/sha256/" + strings.TrimPrefix(d.Digest, "sha256:")
		if len(blobs[name]) != d.Size {
			t.Fatalf("%s has %d bytes, and %d are said", name, len(blobs[name]), d.Size)
		}
		return name
	}
	all := open(blob(open("index.json").Manifests[0]))
	if len(all.Manifests) != 1 || all.Manifests[0].Platform["architecture"] != "amd64" {
		t.Fatalf("%+v", all)
	}
	m := open(blob(all.Manifests[0]))
	g, err := gzip.NewReader(bytes.NewReader(blobs[blob(m.Layers[0])]))
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	if _, err := layer.ReadFrom(g); err != nil {
		t.Fatal(err)
	}
	if got := open(blob(m.Config)).Rootfs.DiffIDs; !slices.Equal(got, []string{"sha256:" + sum(layer.Bytes())}) {
		t.Errorf("layers %q", got)
	}
	modes := map[string]int64{}
	for tr := tar.NewReader(&layer); ; {
		h, err := tr.Next()
		if err != nil {
			break
		}
		modes[h.Name] = h.Mode
		if h.Name == "config/" && h.Uid != 65532 {
			t.Errorf("it can't keep a sign-in: %+v", h)
		}
	}
	if want := map[string]int64{"usr/bin/cmh": 0o755, "config/": 0o700, "tmp/": 0o1777}; !maps.Equal(modes, want) {
		t.Errorf("it holds %v", modes)
	}
	var old []loaded // for those who don't know the layout
	if err := json.Unmarshal(blobs["manifest.json"], &old); err != nil || len(old) != 1 ||
		old[0].Config != blob(m.Config) || !slices.Equal(old[0].Layers, []string{blob(m.Layers[0])}) || old[0].RepoTags[0] != "cloudmastershub/cmh:1.2.3-amd64" {
		t.Errorf("%+v, %v", old, err)
	}
}

// What is made is opened again, and whatever is wrong with it is found.
func TestCheck(t *testing.T) {
	t.Parallel()
	r := release{version: "v1.2.3", url: "https://example.com", out: t.TempDir()}
	for name, body := range packed(t) {
		if err := r.write(name, body); err != nil {
			t.Fatal(err)
		}
	}
	program, err := small()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range targets(t, program) {
		m.archive = r.name(m, map[bool]string{true: ".zip", false: ".tar.gz"}[m.os == "windows"])
		if err := errors.Join(r.checkPackage(m.archive, m.files), r.checkNamed(m), r.checkMaterials(m)); err != nil {
			t.Error(err)
		}
		for want, files := range map[string][]file{
			"cmh was never put there": m.files[:1],
			"cmh-format is missing":   append(slices.Clone(m.files), file{"cmh-format", 0o755, program}),
			"cmh is missing":          {m.files[0], {"cmh", 0o644, program}, m.files[2]},
		} {
			if err := r.checkPackage(m.archive, files); err == nil || !strings.Contains(err.Error(), m.archive+": "+want) {
				t.Errorf("%q: got %v", want, err)
			}
		}
		m.modules = append(m.modules, "example.com/gone v1.0.0")
		if err := r.checkMaterials(m); err == nil {
			t.Error("the bill forgets a module")
		}
	}
	for _, name := range []string{"cmh.rb", "cmh.json"} {
		text := digits.ReplaceAll(packed(t)[name], []byte(sum(nil)))
		if err := r.write(name, text); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range targets(t, program) {
		m.archive = r.name(m, map[bool]string{true: ".zip", false: ".tar.gz"}[m.os == "windows"])
		if err := r.checkNamed(m); err == nil {
			t.Errorf("the sum of %s is another", m.archive)
		}
	}
}

func TestScoop(t *testing.T) {
	t.Parallel()
	var m struct {
		Version, Homepage, License, Bin string
		Checkver                        map[string]string
		Autoupdate                      struct {
			Architecture map[string]struct{ URL string }
			Hash         struct{ URL string }
		}
	}
	if err := json.Unmarshal(packed(t)["cmh.json"], &m); err != nil {
		t.Fatal(err)
	}
	if m.Version != "1.2.3" || m.Homepage == "" || m.License == "" || m.Bin != "cmh.exe" || m.Checkver["github"] != m.Homepage {
		t.Errorf("%+v", m)
	}
	if got := m.Autoupdate.Architecture["64bit"].URL; got != "https://example.com/v$version/cmh_$version_windows_amd64.zip" || m.Autoupdate.Hash.URL != "$baseurl/checksums.txt" {
		t.Errorf("the next one is looked for at %q, %q", got, m.Autoupdate.Hash.URL)
	}
}

func TestWhereDistributionsHaveThings(t *testing.T) {
	t.Parallel()
	licence := "a\n" + "Apache License\nVersion 2.0, January 2004\nchanged by a word, or any such warranty or additional liability.\nb"
	r := release{version: "v1.2.3-rc.1", date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	in := []file{
		{"cmh", 0o755, nil},
		{"CHANGELOG.md", 0o644, nil},
		{"README.md", 0o644, nil},
		{licences, 0o644, []byte(licence)},
		{"man/man1/cmh.1", 0o644, nil},
		{"completions/zsh/_cmh", 0o644, nil},
		{"completions/powershell/cmh.ps1", 0o644, nil},
	}
	for kind, want := range map[string][]string{
		"deb": {"/usr/bin/cmh", "/usr/share/doc/cmh/changelog.gz", "/usr/share/doc/cmh/README.md", "/usr/share/doc/cmh/copyright", "/usr/share/man/man1/cmh.1.gz", "/usr/share/zsh/vendor-completions/_cmh", "/usr/share/doc/cmh/changelog.Debian.gz", "/usr/share/lintian/overrides/cmh"},
		"rpm": {"/usr/bin/cmh", "/usr/share/doc/cmh/CHANGELOG.md", "/usr/share/doc/cmh/README.md", "/usr/share/licenses/cmh/LICENSES.txt", "/usr/share/man/man1/cmh.1.gz", "/usr/share/zsh/site-functions/_cmh"},
	} {
		files, err := r.installed(kind, in)
		var got []string
		for _, f := range files {
			got = append(got, f.name)
			if f.name == "/usr/share/doc/cmh/copyright" && string(f.body) != licence {
				t.Errorf("a licence was changed: %s", f.body)
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
	}
	if got := r.debianChangelog(); !strings.HasPrefix(got, "cmh (1.2.3~rc.1-1) stable; urgency=medium\n") || !strings.HasSuffix(got, ">  Fri, 02 Jan 2026 03:04:05 +0000\n") {
		t.Error(got)
	}
}

// packed is what was packed once, for the tests that look at it.
func packed(t *testing.T) map[string][]byte {
	t.Helper()
	once.Do(func() { kept = pack(t) })
	if kept == nil {
		t.Fatal("nothing was packed")
	}
	return kept
}

var (
	once sync.Once
	kept map[string][]byte
)

// small is a program with its materials in it, as Go leaves them, and little
// else: this test's own is large, and is packed for minutes.
var small = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "cmh-packages-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "small")
	build := exec.CommandContext(context.Background(), "go", "build", "-cover=false", "-ldflags=-s -w", "-o", file, "github.com/cloudmastershub/cmh/labs/image/tiny")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return os.ReadFile(file)
})

func targets(t *testing.T, program []byte) []made {
	t.Helper()
	all := []made{{os: "linux", arch: "amd64"}, {os: "darwin", arch: "arm64"}, {os: "windows", arch: "amd64"}}
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		for _, d := range info.Deps {
			all[i].modules = append(all[i].modules, d.Path+" "+d.Version)
		}
		all[i].files = []file{{"README.md", 0o644, nil}, {"cmh", 0o755, program}, {"man/man1/cmh.1", 0o644, []byte(".TH")}}
	}
	return all
}

// pack makes what needs no other programs.
func pack(t *testing.T) map[string][]byte {
	t.Helper()
	program, err := small()
	if err != nil {
		t.Fatal(err)
	}
	r := release{version: "v1.2.3", commit: "abc", date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), url: "https://example.com", out: t.TempDir()}
	var all []made
	for _, m := range targets(t, program) {
		if err := r.archive(&m); err != nil {
			t.Fatal(err)
		}
		if err := r.materials(m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	for _, step := range []func([]made) error{r.formula, r.scoop, r.image, func([]made) error { return r.sums() }} {
		if err := step(all); err != nil {
			t.Fatal(err)
		}
	}
	files := map[string][]byte{}
	entries, _ := os.ReadDir(r.out)
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(r.out, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// Debian has the text of the Apache License; what is said beside it stays.
func TestBrief(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/spf13/cobra").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := licenceIn(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	const common = "Apache License, version 2.0: on Debian systems its text is in\n/usr/share/common-licenses/Apache-2.0."
	if got := string(brief([]byte("before\n" + text + "\nEND OF TERMS AND CONDITIONS\nafter\n" + text + "\n"))); got != "before\n"+common+"\nafter\n"+common+"\n" {
		t.Errorf("%.2000s", got)
	}
}
