package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/cloudmastershub/cmh/labs"
)

// hub is a registry that ends with the test.
func hub(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func store(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func imageOf(t *testing.T, arch string, headers ...tar.Header) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, layer(t, headers...))
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.ConfigFile(img, with(t, img, arch))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func with(t *testing.T, img v1.Image, arch string) *v1.ConfigFile {
	t.Helper()
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c = c.DeepCopy()
	c.OS, c.Architecture = "linux", arch
	return c
}

func push(t *testing.T, ref string, img remote.Taggable) {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Push(r, img); err != nil {
		t.Fatal(err)
	}
}

func TestPull(t *testing.T) {
	t.Parallel()
	s, at := store(t), hub(t)+"/tools/jq:1.7"
	if _, err := s.Resolve(at); !errors.Is(err, labs.ErrNoImage) || !strings.Contains(err.Error(), "cmh-server image pull "+at) {
		t.Errorf("before: %v", err)
	}
	other, mine := imageOf(t, "riscv64", tar.Header{Name: "other"}), imageOf(t, goarch, tar.Header{Name: "mine"})
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "riscv64"}}},
		mutate.IndexAddendum{Add: mine, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: goarch}}})
	push(t, at, index)
	r, err := s.Pull(t.Context(), at, "jq")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.Path, "mine")); err != nil {
		t.Error(err)
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	pinned := at[:strings.LastIndex(at, ":")] + "@" + digest.String()
	for _, n := range []string{at, "jq", pinned} {
		if got, err := s.Resolve(n); err != nil || got.Path != r.Path {
			t.Errorf("Resolve(%s): %v, %v", n, got, err)
		}
	}
	if r.Source != pinned {
		t.Errorf("source is %s", r.Source)
	}

	// The tag moves on in the registry. Here it does at the next pull.
	push(t, at, imageOf(t, goarch, tar.Header{Name: "newer"}))
	if got, err := s.Resolve(at); err != nil || got.Digest != r.Digest {
		t.Errorf("moved by itself: %v, %v", got, err)
	}
	newer, err := s.Pull(t.Context(), at, "")
	if err != nil || newer.Digest == r.Digest {
		t.Fatalf("pulled again: %v, %v", newer, err)
	}
	if got, err := s.Resolve(pinned); err != nil || got.Digest != r.Digest {
		t.Errorf("the digest's image changed: %v, %v", got, err)
	}
}

func TestPullRefuses(t *testing.T) {
	t.Parallel()
	s, at := store(t), hub(t)
	foreign := imageOf(t, "riscv64", tar.Header{Name: "x"})
	push(t, at+"/foreign", foreign)
	push(t, at+"/nothing", mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
		Add: foreign, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "riscv64"}},
	}))
	push(t, at+"/bad", imageOf(t, goarch, tar.Header{Name: "x", Uid: 70000}))
	for _, ref := range []string{at + "/foreign", at + "/nothing", at + "/bad", at + "/absent", "http://x", "UPPER", ""} {
		if r, err := s.Pull(t.Context(), ref, ""); err == nil {
			t.Errorf("pulled %q: %v", ref, r)
		}
	}
	if _, err := s.Pull(t.Context(), at+"/foreign", "host"); err == nil {
		t.Error("took the host's name")
	}
	if all, err := s.List(); err != nil || len(all) > 0 {
		t.Errorf("List: %v, %v", all, err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir(), ".new-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Somebody served an image with the configuration of a well-known one and
// layers of their own: whoever pulled the well-known one later got theirs.
func TestNoImageComesUnderTheDigestOfAnother(t *testing.T) {
	t.Parallel()
	s := store(t)
	good, evil := imageOf(t, goarch, tar.Header{Name: "good"}), imageOf(t, goarch, tar.Header{Name: "evil"})
	folder := t.TempDir()
	p, err := layout.Write(folder, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AppendImage(disguised{evil, good}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Import(t.Context(), folder, "evil"); err == nil || !strings.Contains(err.Error(), "which the configuration names") {
		t.Errorf("imported as %s: %v", r.Digest, err)
	}
	if trees, _ := filepath.Glob(filepath.Join(s.Dir(), "sha256-*")); len(trees) > 0 {
		t.Errorf("kept: %v", trees)
	}
}

// disguised has the layers of one image and the configuration of another.
type disguised struct {
	v1.Image
	as v1.Image
}

func (d disguised) RawConfigFile() ([]byte, error)      { return d.as.RawConfigFile() }
func (d disguised) ConfigName() (v1.Hash, error)        { return d.as.ConfigName() }
func (d disguised) ConfigFile() (*v1.ConfigFile, error) { return d.as.ConfigFile() }
func (d disguised) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (d disguised) Manifest() (*v1.Manifest, error) {
	m, err := d.Image.Manifest()
	if err != nil {
		return nil, err
	}
	theirs, err := d.as.Manifest()
	if err != nil {
		return nil, err
	}
	m = m.DeepCopy()
	m.Config = theirs.Config
	return m, nil
}

func (d disguised) RawManifest() ([]byte, error) {
	m, err := d.Manifest()
	if err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

func (d disguised) Digest() (v1.Hash, error) {
	raw, err := d.RawManifest()
	if err != nil {
		return v1.Hash{}, err
	}
	h, _, err := v1.SHA256(bytes.NewReader(raw))
	return h, err
}

func (d disguised) Size() (int64, error) {
	raw, err := d.RawManifest()
	return int64(len(raw)), err
}

func TestGCKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	s, at := store(t), hub(t)
	push(t, at+"/a", imageOf(t, goarch, tar.Header{Name: "a"}))
	push(t, at+"/b", imageOf(t, goarch, tar.Header{Name: "b"}))
	a, err := s.Pull(t.Context(), at+"/a", "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Pull(t.Context(), at+"/b", "b")
	if err != nil {
		t.Fatal(err)
	}
	collect := func(want ...string) {
		t.Helper()
		removed, err := s.GC(t.Context())
		if err != nil || strings.Join(removed, " ") != strings.Join(want, " ") {
			t.Errorf("collected %v, %v; want %v", removed, err, want)
		}
	}
	collect() // both have names
	sandbox := filepath.Join(t.TempDir(), "sandbox")
	if err := os.Mkdir(sandbox, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Hold(a.Digest, sandbox); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Remove(t.Context(), at+"/a", a.Source); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Resolve(at + "/a"); !errors.Is(err, labs.ErrNoImage) {
		t.Errorf("still has its name: %v", err)
	}
	collect() // the sandbox uses a
	if _, err := os.Stat(filepath.Join(a.Path, "a")); err != nil {
		t.Error(err)
	}
	if err := os.Remove(sandbox); err != nil { // as a kill leaves it, without Release
		t.Fatal(err)
	}
	collect(a.Digest)
	if err := s.Hold(a.Digest, sandbox); !errors.Is(err, labs.ErrNoImage) {
		t.Errorf("held what is gone: %v", err)
	}
	if err := s.Remove(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	collect() // its reference is left
	if err := s.Remove(t.Context(), "b"); !errors.Is(err, labs.ErrNoImage) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := os.Stat(b.Path); err != nil {
		t.Error(err)
	}
}
