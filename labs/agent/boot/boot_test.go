package boot

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == proto.SpawnName {
		SpawnMain()
	}
	os.Exit(m.Run())
}

// With cgroup v2 a process moves itself before it becomes the learner's
// program, which gets its own arguments, environment and exit status through.
func TestSpawnMovesFirst(t *testing.T) {
	t.Parallel()
	group, err := os.Create(filepath.Join(t.TempDir(), "cgroup.procs"))
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	b := &Boot{cgroups: []*os.File{group}}
	b.CgroupKind = proto.CgroupProcess
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `echo "$0 $1 $X $(ls -l /proc/self/fd | grep -c cgroup.procs)"; exit 7`, "zero", "one")
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{"X=env", "PATH=/usr/bin:/bin"}, &out, &out
	if err := b.Start(cmd); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 7 {
		t.Errorf("exit status %d", code)
	}
	if got := out.String(); got != "zero one env 0\n" {
		t.Errorf("got %q", got)
	}
	if raw, _ := os.ReadFile(group.Name()); string(raw) != "0" {
		t.Errorf("wrote %q to the cgroup", raw)
	}
}
