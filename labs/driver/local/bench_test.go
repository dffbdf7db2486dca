package local_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
)

func itoa(n int) string { return strconv.Itoa(n) }

// BenchmarkCold is a sandbox from nothing to the agent's greeting, as Create
// promises it; Destroy isn't timed. The two after it are the floors to read
// it against: the same run, the same machine.
func BenchmarkCold(b *testing.B) {
	store, name := testImage(b)
	d := open(b, b.TempDir(), store)
	cleanUp(b, d)
	if err := d.Create(b.Context(), labs.Spec{ID: "first", Image: name}); err != nil { // makes the disk template
		b.Fatal(err)
	}
	for b.Loop() {
		if err := d.Create(b.Context(), labs.Spec{ID: "cold", Image: name}); err != nil {
			b.Fatal(err)
		}
		conn, err := d.Dial(b.Context(), "cold")
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		conn.Close()
		if err := d.Destroy(b.Context(), "cold"); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkFloorUnshare is bash in namespaces, with none of the rest.
func BenchmarkFloorUnshare(b *testing.B) {
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), "unshare", "--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--fork", "bash", "-c", "true")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
}

// BenchmarkFloorRunc is "runc run" of true on the same image.
func BenchmarkFloorRunc(b *testing.B) {
	runc, err := exec.LookPath("runc")
	if err != nil {
		b.Skip("runc is not installed")
	}
	store, name := testImage(b)
	root, err := store.Resolve(name)
	if err != nil || root.HostUsr {
		b.Skip("needs the built image")
	}
	bundle := b.TempDir()
	if out, err := exec.CommandContext(b.Context(), "sh", "-c",
		`cd "$1" && `+runc+` spec && sed -i -e 's#"terminal": true#"terminal": false#' -e 's#"sh"#"true"#' -e 's#"path": "rootfs"#"path": "'"$2"'"#' config.json`,
		"sh", bundle, root.Path).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	n := 0
	for b.Loop() {
		n++
		cmd := exec.CommandContext(b.Context(), runc, "run", "--bundle", bundle, "cmh-bench-"+itoa(n))
		cmd.Dir = filepath.Dir(bundle)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
}
