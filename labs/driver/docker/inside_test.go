package docker_test

import (
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
	"github.com/cloudmastershub/cmh/labs/image"
)

// A learner who is root looks for what the engine left open.
func TestNothingToSeeInside(t *testing.T) {
	for name, host := range engines(t) {
		t.Run(name, func(t *testing.T) {
			d := open(t, host, t.TempDir(), debian(t))
			for _, spec := range []labs.Spec{{ID: "probe", Image: image.Default}, {ID: "sudo", Image: image.Default, AllowSetuid: true}} {
				if err := d.Create(t.Context(), spec); err != nil {
					t.Fatal(err)
				}
			}
			c := drivertest.Connect(t, d, "probe")
			for _, tc := range []struct{ what, command, want string }{
				{"eleven capabilities", "grep -E 'Cap(Eff|Prm|Bnd)' /proc/self/status | cut -f2 | sort -u", "00000000800405fb"},
				{"none to inherit", "grep -E 'CapAmb' /proc/self/status | cut -f2", "0000000000000000"},
				{"a filter", "grep Seccomp: /proc/self/status | cut -f2", "2"},
				{"no new privileges", "grep NoNewPrivs /proc/self/status | cut -f2", "1"},
				{"no mounts", "mount -t tmpfs x /mnt 2>&1 | grep -ciE 'denied|permitted'", "1"},
				{"no namespaces", "unshare -U true 2>&1 | grep -ciE 'permitted|denied'", "1"},
				{"no devices made", "mknod /tmp/sda b 8 0 2>&1 | grep -ciE 'permitted|denied'", "1"},
				{"no disks", "ls /dev | grep -cE '^(sd|vd|loop|dm|mem|kmsg|fuse)'", "0"},
				{"no kernel symbols", "head -c 1 /proc/kallsyms | wc -c", "0"},
				{"no kernel memory", "head -c 1 /proc/kcore 2>/dev/null | wc -c", "0"},
				{"no keys", "head -c 1 /proc/keys | wc -c", "0"},
				{"no command line", "head -c 1 /proc/cmdline | wc -c", "0"},
				{"an empty /sys", "ls /sys | wc -l", "0"},
				{"settings frozen", "for f in kernel/core_pattern kernel/hostname vm/drop_caches; do (echo x >/proc/sys/$f) 2>/dev/null && echo $f; done; echo none", "none"},
				{"no vsock", "python3 -c 'import socket; socket.socket(40, socket.SOCK_STREAM)' 2>&1 | grep -c PermissionError", "1"},
				{"no packets", "python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)' 2>&1 | grep -c PermissionError", "1"},
				{"no io_uring", "python3 -c 'import ctypes; l = ctypes.CDLL(None, use_errno=True); l.syscall(425, 1, 0); print(ctypes.get_errno())'", "1"},
				{"the agent's file can't be written", "(echo x >/.lab/lab-dock) 2>&1 | grep -ciE 'read-only|denied|busy'", "1"},
				{"nor removed", "rm -f /.lab/lab-dock 2>/dev/null; rm -rf /.lab/dock 2>/dev/null; ls /.lab | tr '\\n' ' '", "dock lab-dock"},
				{"nothing at the dock", "ls -A /.lab/dock | wc -l", "0"},
				{"which is closed", "touch /.lab/dock/x 2>&1 | grep -c 'Read-only'", "1"},
				{"no engine", "ls /run/docker.sock /var/run/docker.sock /run/podman 2>/dev/null | wc -l", "0"},
			} {
				if got, err := drivertest.Exec(t, c, tc.command); got != tc.want {
					t.Errorf("%s: %s: %q, %v; want %q", tc.what, tc.command, got, err, tc.want)
				}
			}
			s := drivertest.Connect(t, d, "sudo")
			if got, err := drivertest.Exec(t, s, "su ubuntu -c 'sudo -n id -u' 2>/dev/null; getent hosts lab >/dev/null && echo named"); got != "0\nnamed" {
				t.Errorf("sudo: %q, %v", got, err)
			}
			if w := strings.Join(d.Weaknesses(), "\n"); !d.OneLearner() || !strings.Contains(w, "fill the engine's disk") || !strings.Contains(w, "user namespace") {
				t.Errorf("it doesn't say what it lacks: %s", w)
			}
		})
	}
}
