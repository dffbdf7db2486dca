package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
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
	h, err := tar.NewReader(&layer).Next()
	if err != nil || h.Name != "usr/bin/cmh" || h.Mode != 0o755 {
		t.Errorf("%+v, %v", h, err)
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

// pack makes what needs no other programs.
func pack(t *testing.T) map[string][]byte {
	t.Helper()
	program, err := small()
	if err != nil {
		t.Fatal(err)
	}
	r := release{version: "v1.2.3", commit: "abc", date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), url: "https://example.com", out: t.TempDir()}
	var all []made
	for _, m := range []made{{os: "linux", arch: "amd64"}, {os: "darwin", arch: "arm64"}, {os: "windows", arch: "amd64"}} {
		m.files = []file{{"man/man1/cmh.1", 0o644, []byte(".TH")}, {"cmh", 0o755, program}, {"README.md", 0o644, nil}}
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
