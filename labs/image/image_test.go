package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/cloudmastershub/cmh/labs"
)

func archive(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		body := h.Name
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(body))
		}
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
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
		"through a link upwards":   {link("up", "../.."), {Name: "up/out"}},
		"through an absolute link": {link("abs", "/tmp"), {Name: "abs/cmh-image-test-out"}},
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

func layer(t *testing.T, headers ...tar.Header) v1.Layer {
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
