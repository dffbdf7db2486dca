package local_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/image"
)

const asUserEnv = "TEST_AS_USER_IN" // a folder that the user owns

// TestOrdinaryUser runs the driver as nobody, in a process of its own, when
// the tests run as root; as anybody else it runs here.
func TestOrdinaryUser(t *testing.T) {
	if dir := os.Getenv(asUserEnv); dir != "" {
		asUser(t, dir)
		return
	}
	if os.Geteuid() != 0 {
		asUser(t, t.TempDir())
		return
	}
	const nobody = 65534
	home, err := os.MkdirTemp("", "cmh-user-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(home, "test") // where nobody can execute it
	raw, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(self, raw, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestOrdinaryUser$", "-test.v")
	cmd.Dir = home
	cmd.Env = []string{asUserEnv + "=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + home, "HOME=" + home, "TEST_AGENT=" + agentBinary}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestOrdinaryUser") {
		t.Errorf("%v\n%s", err, out)
	}
}

func asUser(t *testing.T, dir string) {
	report := local.Probe(t.Context())
	if !report.Works {
		cannot(t, "this machine gives ordinary users no namespaces: %+v", report.Findings)
	}
	if report.MultiLearner {
		t.Error("the report promises limits that an ordinary user can't set")
	}
	store, err := image.Open(filepath.Join(dir, "images"))
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, filepath.Join(dir, "state"), store)
	cleanUp(t, d)
	if err := d.Create(t.Context(), labs.Spec{ID: "mine", Image: image.Host, Limits: labs.Limits{DiskBytes: 64 << 20, Pids: 64}}); err != nil {
		t.Fatal(err)
	}
	c := drivertest.Connect(t, d, "mine")
	for command, want := range map[string]string{
		"id -u":                                "0",
		"echo new >/etc/motd && cat /etc/motd": "new",
		"head -c 100M /dev/zero >/root/fill 2>/dev/null || echo full; rm /root/fill": "full",
		"touch /usr/bin/x 2>/dev/null || echo read-only":                             "read-only",
		"grep -c NoNewPrivs:.1 /proc/self/status":                                    "1",
	} {
		if got, err := drivertest.Exec(t, c, command); got != want {
			t.Errorf("%s: %q, %v; want %q", command, got, err, want)
		}
	}
	// The last, because it leaves no process to be had.
	if got, err := drivertest.Exec(t, c, "for i in $(seq 100); do sleep 600 & done 2>&1 | grep -qi fork && echo held"); got != "held" {
		t.Errorf("a hundred processes: %q, %v", got, err)
	}
	if err := d.Destroy(t.Context(), "mine"); err != nil {
		t.Fatal(err)
	}
	if ids, err := d.List(t.Context()); err != nil || len(ids) > 0 {
		t.Errorf("left: %v, %v", ids, err)
	}
}
