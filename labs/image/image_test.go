package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/cloudmastershub/cmh/labs"
)

func archive(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	return archiveOf(headers...)
}

// archiveOf is a tar of files that each hold their own name.
func archiveOf(headers ...tar.Header) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		if err := w.WriteHeader(&h); err != nil {
			panic(err)
		}
		if h.Typeflag == tar.TypeReg {
			_, _ = io.WriteString(w, h.Name)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestHostileArchives(t *testing.T) {
	t.Parallel()
	link := func(name, to string) tar.Header {
		return tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeSymlink}
	}
	for name, entries := range map[string][]tar.Header{
		"dots":                     {{Name: "../out"}},
		"dots inside":              {{Name: "a/../../out"}},
		"links in a circle":        {link("a", "b"), link("b", "a"), {Name: "a/out"}},
		"hard link to a folder":    {{Name: "d", Typeflag: tar.TypeDir}, {Name: "h", Linkname: "d", Typeflag: tar.TypeLink}},
		"takes away its parent":    {{Name: "d/.wh..."}},
		"takes away itself":        {{Name: "d/.wh.."}},
		"hard link outside":        {{Name: "h", Linkname: "../../../etc/passwd", Typeflag: tar.TypeLink}},
		"hard link through a link": {link("etc2", "/etc"), {Name: "h", Linkname: "etc2/passwd", Typeflag: tar.TypeLink}},
		"owner out of range":       {{Name: "x", Uid: 70000}},
		"dev is a link":            {link("dev", "/dev")},
		"etc is a file":            {{Name: "etc"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outer := t.TempDir()
			dir := filepath.Join(outer, "a", "b")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := unpack(bytes.NewReader(archive(t, entries...)), dir); err == nil {
				t.Error("unpacked")
			}
			for _, out := range []string{filepath.Join(outer, "out"), filepath.Join(outer, "a", "out"), "/tmp/cmh-image-test-out"} {
				if _, err := os.Lstat(out); err == nil {
					t.Errorf("%s was written", out)
				}
			}
		})
	}
}

// A link in an image leads to where it would for a process in the image.
func TestLinksLeadInside(t *testing.T) {
	t.Parallel()
	link := func(name, to string) tar.Header {
		return tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeSymlink}
	}
	for name, tc := range map[string]struct {
		entries []tar.Header
		file    string
	}{
		"upwards":   {[]tar.Header{link("up", "../.."), {Name: "up/out"}}, "out"},
		"absolute":  {[]tar.Header{link("abs", "/tmp"), {Name: "abs/cmh-image-test-out"}}, "tmp/cmh-image-test-out"},
		"merged":    {[]tar.Header{{Name: "usr/bin", Typeflag: tar.TypeDir}, link("bin", "usr/bin"), {Name: "bin/tool"}}, "usr/bin/tool"},
		"two steps": {[]tar.Header{link("a", "/b/c"), {Name: "b/d", Typeflag: tar.TypeDir}, link("b/c", "../b/d"), {Name: "a/x"}}, "b/d/x"},
		"itself":    {[]tar.Header{{Name: "f"}, {Name: "f", Linkname: "f", Typeflag: tar.TypeLink}}, "f"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := unpack(bytes.NewReader(archive(t, tc.entries...)), dir); err != nil {
				t.Fatal(err)
			}
			if st, err := os.Lstat(filepath.Join(dir, tc.file)); err != nil || !st.Mode().IsRegular() {
				t.Errorf("%s: %v, %v", tc.file, st, err)
			}
			if _, err := os.Lstat("/tmp/cmh-image-test-out"); err == nil {
				t.Error("written outside")
			}
		})
	}
}

// Layers take away what those below them have, and nothing else.
func TestLayers(t *testing.T) {
	t.Parallel()
	dir := func(name string, mode int64) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: mode}
	}
	for name, tc := range map[string]struct {
		layers [][]tar.Header
		want   string
	}{
		"a file":         {[][]tar.Header{{{Name: "d/a"}, {Name: "d/b"}}, {{Name: "d/.wh.a"}}}, "d d/b"},
		"a folder":       {[][]tar.Header{{{Name: "d/a/x"}, {Name: "d/b"}}, {{Name: "d/.wh.a"}}}, "d d/b"},
		"opaque first":   {[][]tar.Header{{{Name: "d/a/x"}, {Name: "d/b"}}, {dir("d", 0), {Name: "d/.wh..wh..opq"}, {Name: "d/a/y"}}}, "d d/a d/a/y"},
		"opaque last":    {[][]tar.Header{{{Name: "d/a/x"}, {Name: "d/b"}}, {dir("d", 0), {Name: "d/a/y"}, {Name: "d/.wh..wh..opq"}}}, "d d/a d/a/y"},
		"absent":         {[][]tar.Header{{{Name: "d/a"}}, {{Name: "e/.wh.a"}, {Name: "f/.wh..wh..opq"}}}, "d d/a"},
		"another's mark": {[][]tar.Header{{{Name: "d/a"}}, {{Name: "d/.wh..wh.plnk"}}}, "d d/a"},
		"file to folder": {[][]tar.Header{{{Name: "a"}}, {dir("a", 0), {Name: "a/b"}}}, "a a/b"},
		"folder to file": {[][]tar.Header{{dir("a", 0o700), {Name: "a/b"}}, {{Name: "a"}}}, "a"},
		"made anew":      {[][]tar.Header{{dir("a", 0o700), {Name: "a/b"}}, {{Name: ".wh.a"}}, {{Name: "a/c"}}}, "a a/c"},
		"through a link": {[][]tar.Header{{{Name: "usr/bin/x"}, {Name: "bin", Linkname: "usr/bin", Typeflag: tar.TypeSymlink}}, {{Name: "bin/.wh.x"}}}, "bin usr usr/bin"},
		"the link":       {[][]tar.Header{{{Name: "real/x"}, {Name: "l", Linkname: "real", Typeflag: tar.TypeSymlink}}, {{Name: ".wh.l"}}}, "real real/x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			u, err := newUnpacker(root)
			if err != nil {
				t.Fatal(err)
			}
			defer u.root.Close()
			for _, l := range tc.layers {
				if err := u.layer(bytes.NewReader(archive(t, l...))); err != nil {
					t.Fatal(err)
				}
			}
			if err := u.finish(); err != nil {
				t.Fatal(err)
			}
			var got []string
			_ = filepath.WalkDir(root, func(p string, _ os.DirEntry, _ error) error {
				rel, _ := filepath.Rel(root, p)
				if !slices.Contains([]string{".", "dev", "etc", "proc", "root", "run", "sys", "tmp"}, rel) {
					got = append(got, rel)
				}
				return nil
			})
			if strings.Join(got, " ") != tc.want {
				t.Errorf("got %v, want %s", got, tc.want)
			}
		})
	}
}

// FuzzUnpack gives the unpacker two layers that nobody has checked.
func FuzzUnpack(f *testing.F) {
	f.Add(archiveOf(tar.Header{Name: "a/b"}, tar.Header{Name: "l", Linkname: "/a", Typeflag: tar.TypeSymlink}), archiveOf(tar.Header{Name: "l/.wh.b"}))
	f.Add(archiveOf(tar.Header{Name: "a", Linkname: "../..", Typeflag: tar.TypeSymlink}), archiveOf(tar.Header{Name: "a/x/y"}, tar.Header{Name: "h", Linkname: "a/x/y", Typeflag: tar.TypeLink}))
	f.Add(archiveOf(tar.Header{Name: "d", Typeflag: tar.TypeDir}), archiveOf(tar.Header{Name: "d/.wh..wh..opq"}, tar.Header{Name: "d/.wh...", Typeflag: tar.TypeDir}))
	f.Fuzz(func(t *testing.T, below, above []byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "a", "b")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		u, err := newUnpacker(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer u.root.Close()
		_ = u.layer(bytes.NewReader(below))
		_ = u.layer(bytes.NewReader(above))
		_ = u.finish()
		for where, want := range map[string]string{outer: "a", filepath.Join(outer, "a"): "b"} {
			entries, err := os.ReadDir(where)
			if err != nil || len(entries) != 1 || entries[0].Name() != want {
				t.Errorf("%s holds %v, %v", where, entries, err)
			}
		}
		removeAll(dir)
	})
}

func layer(t testing.TB, headers ...tar.Header) v1.Layer {
	t.Helper()
	raw := archive(t, headers...)
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestImport(t *testing.T) {
	t.Parallel()
	img, err := mutate.AppendLayers(empty.Image,
		layer(t, tar.Header{Name: "etc", Typeflag: tar.TypeDir}, tar.Header{Name: "etc/gone"}, tar.Header{Name: "etc/kept", Mode: 0o640},
			tar.Header{Name: "usr/bin/tool", Mode: 0o4755}, tar.Header{Name: "dev/sda", Typeflag: tar.TypeBlock}),
		layer(t, tar.Header{Name: "etc/.wh.gone"}, tar.Header{Name: "usr/bin/same", Linkname: "usr/bin/tool", Typeflag: tar.TypeLink},
			tar.Header{Name: "bin", Linkname: "usr/bin", Typeflag: tar.TypeSymlink}))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	p, err := layout.Write(folder, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	if err := w.AddFS(os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(file, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]string{"from-folder": folder, "from-file": file} {
		r, err := s.Import(t.Context(), from, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(r.Path, "etc/gone")); err == nil {
			t.Error("a whiteout was not applied")
		}
		if _, err := os.Lstat(filepath.Join(r.Path, "dev/sda")); err == nil {
			t.Error("a device was made")
		}
		for file, mode := range map[string]os.FileMode{"etc/kept": 0o640, "usr/bin/tool": 0o755 | os.ModeSetuid, "tmp": 0o777 | os.ModeDir | os.ModeSticky} {
			st, err := os.Lstat(filepath.Join(r.Path, file))
			if err != nil || st.Mode() != mode {
				t.Errorf("%s: %v, %v; want %v", file, st, err, mode)
			}
		}
		if raw, err := os.ReadFile(filepath.Join(r.Path, "usr/bin/same")); err != nil || string(raw) != "usr/bin/tool" {
			t.Errorf("hard link: %q, %v", raw, err)
		}
		if got, err := s.Resolve(name); err != nil || got.Path != r.Path {
			t.Errorf("Resolve: %v, %v", got, err)
		}
	}
	all, err := s.List()
	if err != nil || len(all) != 2 || all[0].Digest != all[1].Digest {
		t.Errorf("List: %v, %v", all, err)
	}
	left, _ := filepath.Glob(filepath.Join(s.Dir(), ".new-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFailedImportLeavesNothing(t *testing.T) {
	t.Parallel()
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.tar")
	if err := os.WriteFile(bad, []byte("not an image"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(t.Context(), bad, "bad"); err == nil {
		t.Error("imported")
	}
	if _, err := s.Import(t.Context(), bad, "../bad"); err == nil {
		t.Error("took a path for a name")
	}
	left, _ := filepath.Glob(filepath.Join(s.Dir(), "[.s]*"))
	for _, p := range left {
		if filepath.Base(p) != ".lock" {
			t.Errorf("left behind: %s", p)
		}
	}
}

func TestMissingImageSaysHowToGetIt(t *testing.T) {
	t.Parallel()
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Resolve("")
	if !errors.Is(err, labs.ErrNoImage) || !strings.Contains(err.Error(), "cmh-server image build") {
		t.Errorf("got %v", err)
	}
	if _, err := s.Resolve("../etc"); !errors.Is(err, labs.ErrNoImage) {
		t.Errorf("got %v", err)
	}
	gone, broken := "sha256:"+strings.Repeat("0", 64), "sha256:"+strings.Repeat("1", 64)
	if _, err := s.ByDigest(gone); !errors.Is(err, labs.ErrNoImage) {
		t.Errorf("got %v", err)
	}
	if err := os.MkdirAll(filepath.Join(s.Dir(), folder(broken), metaFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ByDigest(broken); err == nil || errors.Is(err, labs.ErrNoImage) {
		t.Errorf("one that can't be read: %v", err)
	}
}

func TestHostSkeletonHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(Host)
	if err != nil {
		t.Fatal(err)
	}
	if !r.HostUsr {
		t.Error("it doesn't say that /usr is the host's")
	}
	again, err := s.Resolve(Host)
	if err != nil || again.Path != r.Path {
		t.Errorf("made twice: %v, %v", again, err)
	}
	for _, file := range []string{"passwd", "shadow"} {
		raw, err := os.ReadFile(filepath.Join(r.Path, "etc", file))
		if err != nil || strings.Count(string(raw), "\n") != 2 {
			t.Errorf("/etc/%s is not a fresh one: %q, %v", file, raw, err)
		}
	}
	for _, file := range []string{"etc/ssh", "etc/hostname", "etc/ssl/private", "etc/machine-id"} {
		if _, err := os.Lstat(filepath.Join(r.Path, file)); err == nil {
			t.Errorf("%s was copied", file)
		}
	}
}
