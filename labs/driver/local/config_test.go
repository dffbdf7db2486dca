package local_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
	"github.com/cloudmastershub/cmh/labs/image"
)

// What an OCI image wants its programs to begin with, they do; what an account
// says stays, and so does what the lab wants.
func TestImageConfiguration(t *testing.T) {
	store, err := image.Open(os.Getenv("CMH_IMAGE_DIR"))
	if err != nil {
		t.Fatal(err)
	}
	tiny, err := os.ReadFile(filepath.Join(filepath.Dir(os.Getenv("CMH_LAB_AGENT")), "lab-tiny"))
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range []*tar.Header{
		{Name: "bin/lab-tiny", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(tiny))},
		{Name: "bin/sh", Typeflag: tar.TypeSymlink, Linkname: "lab-tiny"},
		{Name: "bin/printenv", Typeflag: tar.TypeSymlink, Linkname: "lab-tiny"},
		{Name: "srv/app", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "etc", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "root", Typeflag: tar.TypeDir, Mode: 0o700},
		{Name: "tmp", Typeflag: tar.TypeDir, Mode: 0o777},
	} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			_, _ = w.Write(tiny)
		}
	}
	_ = w.Close()
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err == nil {
		img, err = mutate.Config(img, v1.Config{
			Env: []string{"PATH=/srv/app:/bin", "FLAVOUR=vanilla", "TOPPING=none", "HOME=/nowhere", "GODEBUG=http2debug=2", "no name=x"}, WorkingDir: "/srv/app",
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	ref, err := name.NewTag("example.com/configured:1")
	if err == nil {
		err = tarball.WriteToFile(file, ref, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	const called = "test-configured"
	if _, err := store.Import(t.Context(), file, called); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Remove(context.Background(), called) })
	d := open(t, t.TempDir(), store)
	if err := d.Create(t.Context(), labs.Spec{ID: "configured", Image: called, Env: map[string]string{"TOPPING": "cherry"}}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Destroy(context.Background(), "configured") }()
	out, err := drivertest.Exec(t, drivertest.Connect(t, d, "configured"), "pwd; echo $PATH $FLAVOUR $TOPPING $HOME ${GODEBUG:-none}")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := strings.Fields(out); strings.Join(got, " ") != "/srv/app /srv/app:/bin vanilla cherry /root none" {
		t.Errorf("it begins with %q", got)
	}
}
