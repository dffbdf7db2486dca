package main

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/words/more"
)

// An operator brings an image, uses it, and gets rid of it.
func TestImages(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	at := strings.TrimPrefix(srv.URL, "http://") + "/labs/web:1"
	ref, err := name.ParseReference(at)
	if err != nil {
		t.Fatal(err)
	}
	img, err := random.Image(100, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	digest, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	agent := filepath.Join(dir, "lab-agent")
	if err := os.WriteFile(filepath.Join(dir, "lab-tiny"), []byte("a program"), 0o700); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		t.Helper()
		var out bytes.Buffer
		// What is printed here is read by a program, whatever is spoken.
		c := command(&cli.Env{Out: &out, Err: &out, Languages: more.Languages, Language: func() string { return "de" }})
		c.SetArgs(append(args, "--image-dir", filepath.Join(dir, "images"), "--data-dir", filepath.Join(dir, "data"), "--lab-agent", agent))
		err := c.ExecuteContext(t.Context())
		return out.String(), err
	}
	must := func(want string, args ...string) {
		t.Helper()
		out, err := run(args...)
		if err != nil || !strings.Contains(out, want) {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	must("tiny ", "image", "list")
	must(at+" "+digest.String(), "image", "pull", at, "--name", "web")
	must("\nweb ", "image", "list")
	must("", "image", "gc")
	must("\nweb ", "image", "list")
	if out, err := run("image", "remove", "nothing"); err == nil || !strings.Contains(err.Error(), "nothing is not installed on this host") {
		t.Errorf("removed what isn't there: %v\n%s", err, out)
	}
	manifest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	must("", "image", "remove", "web", at, strings.TrimSuffix(at, ":1")+"@"+manifest.String())
	must("removed "+digest.String(), "image", "gc")
	for _, args := range [][]string{
		{"image", "pull", at + "x"},
		{"image", "import", dir, "x"},
		{"image", "build", "--packages", agent},
		{"image", "build", "--name", "Bad"},
		{"image", "build", "--name", "x", "--suite", "--help"},
	} {
		if out, err := run(args...); err == nil {
			t.Errorf("%v succeeded: %s", args, out)
		}
	}
}
