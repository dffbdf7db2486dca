package author

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// desk is a hub that takes any archive and answers with report.
type desk struct {
	cli.Backend
	report hub.ImportReport
	got    []hub.ImportOptions
	names  []string
}

func (d *desk) ImportScenarios(_ context.Context, o hub.ImportOptions, archive io.Reader) (hub.ImportReport, error) {
	d.got, d.names = append(d.got, o), nil
	zip, err := gzip.NewReader(archive)
	if err != nil {
		return hub.ImportReport{}, err
	}
	r := tar.NewReader(zip)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return d.report, nil
		}
		if err != nil {
			return hub.ImportReport{}, err
		}
		d.names = append(d.names, h.Name+h.Linkname)
	}
}

func checkout(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "My labs")
	for _, f := range []string{"a/index.json", "a/assets/.hidden/x", ".git/config", "a/node_modules/y"} {
		file := filepath.Join(dir, f)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("{}"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../../etc/passwd", filepath.Join(dir, "a/link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func run(t *testing.T, d *desk, args ...string) (int, string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := &cli.Env{
		In: strings.NewReader(""), Out: &out, Err: &errs, ShowCause: true,
		Backend: func() (cli.Backend, error) { return d, nil },
	}
	root := cli.Group("cmh", "Things", Command(env))
	status := cli.Run(t.Context(), root, env, append([]string{"author", "import", "killercoda"}, args...))
	return status, out.String(), errs.String()
}

func one() hub.ImportReport {
	return hub.ImportReport{
		Course: "my-labs", Version: 1, Licence: "MIT", Rejected: []string{}, Warnings: []string{},
		Labs: []hub.ImportedLab{{Slug: "my-labs-a", Path: "a", Title: "A", Image: "ubuntu", Needs: []string{"linux"}, Runnable: true, Steps: 1, Quizzes: 2, Assets: 3, UnknownKeys: []string{"colour"}, State: "new"}},
	}
}

func TestImportPacksACheckout(t *testing.T) {
	t.Parallel()
	d := &desk{report: one()}
	status, out, errs := run(t, d, checkout(t), "--slug", "labs")
	if status != 0 || !strings.Contains(out, "my-labs-a\tA\t1\t0\t2\t3\tlinux\tyes\tnew") || !strings.Contains(errs, "the course my-labs, version 1") {
		t.Errorf("%d\n%s\n%s", status, out, errs)
	}
	want := []string{"My labs/a/assets/.hidden/x", "My labs/a/index.json", "My labs/a/link../../etc/passwd"}
	if diff := cmp.Diff(want, d.names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]hub.ImportOptions{{Kind: "killercoda", Slug: "labs"}}, d.got); diff != "" {
		t.Error(diff)
	}
}

func TestImportTakesArchives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var zipped bytes.Buffer
	w := zip.NewWriter(&zipped)
	for name, mode := range map[string]os.FileMode{"labs-main/a/index.json": 0o644, "labs-main/a/link": 0o777 | os.ModeSymlink, "labs-main/": os.ModeDir | 0o755} {
		h := &zip.FileHeader{Name: name}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		if err == nil && mode.IsRegular() || mode&os.ModeSymlink != 0 {
			_, err = f.Write([]byte("index.json"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	_ = w.Close()
	var tarred, gz bytes.Buffer
	tw := tar.NewWriter(&tarred)
	_ = tw.WriteHeader(&tar.Header{Name: "labs-main/a/index.json", Mode: 0o644})
	_ = tw.Close()
	g := gzip.NewWriter(&gz)
	_, _ = g.Write(tarred.Bytes())
	_ = g.Close()
	for name, content := range map[string][]byte{"x.zip": zipped.Bytes(), "x.tar": tarred.Bytes(), "x.tar.gz": gz.Bytes()} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		d := &desk{report: one()}
		status, _, errs := run(t, d, file)
		if status != 0 || !slices.Contains(d.names, "labs-main/a/index.json") || name == "x.zip" && !slices.Contains(d.names, "labs-main/a/linkindex.json") {
			t.Errorf("%s: %d %q\n%s", name, status, d.names, errs)
		}
		if !strings.Contains(errs, "a: keys that mean nothing here: colour") {
			t.Errorf("no unknown keys in %s", errs)
		}
	}
	for _, name := range []string{"x.rar", "no.zip"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if status, _, errs := run(t, &desk{}, filepath.Join(dir, name)); status != 2 || !strings.Contains(errs, name) {
			t.Errorf("%s: %d %s", name, status, errs)
		}
	}
}

func TestImportPrintsTheReportAsJSON(t *testing.T) {
	t.Parallel()
	status, out, _ := run(t, &desk{report: one()}, checkout(t), "--json=labs,warnings,licence")
	for _, want := range []string{`"slug":`, `"path":`, `"title":`, `"image":`, `"needs":`, `"runnable":`, `"steps":`, `"checks":`, `"warnings":`, `"licence":`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	if status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestImportOfNothingFails(t *testing.T) {
	t.Parallel()
	if status, _, _ := run(t, &desk{report: hub.ImportReport{Labs: []hub.ImportedLab{}}}, checkout(t)); status != 1 {
		t.Errorf("status %d", status)
	}
	if status, _, errs := run(t, &desk{}, filepath.Join(t.TempDir(), "none")); status != 5 || !strings.Contains(errs, "no directory") {
		t.Errorf("status %d, %s", status, errs)
	}
}

func TestStrictImportsOnlyWhatIsClean(t *testing.T) {
	t.Parallel()
	d := &desk{report: one()}
	if status, _, _ := run(t, d, checkout(t), "--strict"); status != 0 || len(d.got) != 2 || !d.got[0].DryRun || d.got[1].DryRun {
		t.Errorf("status %d, %+v", status, d.got)
	}
	d = &desk{report: one()}
	d.report.Warnings = []string{"a/index.json:1: odd"}
	if status, _, errs := run(t, d, checkout(t), "--strict"); status != 1 || len(d.got) != 1 || !strings.Contains(errs, "a/index.json:1: odd") {
		t.Errorf("status %d, %+v, %s", status, d.got, errs)
	}
}

func TestRepositoryURLs(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"https://github.com/killercoda/scenario-examples":      "killercoda-scenario-examples",
		"https://github.com/killercoda/scenario-examples.git/": "killercoda-scenario-examples",
		"ssh://git@host:22/x/y.git":                            "x-y",
		"git@github.com:a/b.git":                               "a-b",
		"git://host/y":                                         "y",
	} {
		if got, err := repository(from); err != nil || got != want {
			t.Errorf("%s: %q, %v", from, got, err)
		}
	}
	for _, from := range []string{
		"http://host/x", "file:///etc", "ext::sh -c id", "ssh://-oProxyCommand=id/x", "ssh://-x@host/y", "https://u:secret@host/x",
		"https://", "--upload-pack=id://x", "-x@host:y", "git@-host:y",
	} {
		if got, err := repository(from); err == nil {
			t.Errorf("%s is taken as %q", from, got)
		}
	}
}
