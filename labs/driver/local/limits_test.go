package local_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
)

// Root inside asks for more than it was given, by every way there is on
// machines of its own, and has as much as before.
func TestLimitsCannotBeMoved(t *testing.T) {
	t.Parallel()
	c := machine(t, labs.Spec{AllowSetuid: true, Limits: labs.Limits{OpenFiles: 512}})
	hold(t, c, []says{
		{"cgroups can't be seen", "find / -xdev -name 'cgroup.procs' -o -xdev -name 'memory.max' -o -xdev -name 'memory.limit_in_bytes' 2>/dev/null | wc -l; find /sys ! -type d | wc -l", "0\n0"},
		{"nor mounted", "mkdir -p /mnt/g && mount -t cgroup2 none /mnt/g 2>/dev/null || mount -t cgroup -o memory none /mnt/g 2>/dev/null || echo no", "no"},
		{"nor entered", "mkdir -p /sys/fs/cgroup 2>/dev/null || echo no", "no"},
		{"files", "prlimit --pid $$ --nofile=4096:4096 2>/dev/null || echo no; ulimit -Hn 4096 2>/dev/null || echo no; ulimit -Hn", "no\nno\n512"},
		{"core files", "ulimit -c unlimited 2>/dev/null || echo no; ulimit -Hc", "no\n0"},
		{"another's limits", "sleep 30 & prlimit --pid $! --nofile=9999:9999 2>/dev/null || echo no; kill $!", "no"},
		{"preference in time", "test $(nice -n -5 nice 2>/dev/null | tail -1) = $(nice) && renice -n -5 $$ >/dev/null 2>&1 || echo no; chrt -f 1 true 2>/dev/null || echo no; ionice -c1 true 2>/dev/null || echo no", "no\nno\nno"},
		{
			"preference in want", "for s in -1 -500 -1000; do echo $s 2>/dev/null >/proc/self/oom_score_adj || echo no; done 2>/dev/null; su ubuntu -c 'sudo -n sh -c \"echo -500 >/proc/self/oom_score_adj\"' 2>/dev/null || echo no",
			"no\nno\nno\nno",
		},
		{"a setuid file gives what root has, no more", "cp /usr/bin/sleep /tmp/s && chmod 4755 /tmp/s && (su ubuntu -c '/tmp/s 30' >/dev/null 2>&1 & ) ; " + within("pgrep -x s") +
			`grep -E "^(Uid|CapBnd)" /proc/$(pgrep -x s)/status | tr -s "\t" " "; pkill -x s`, "Uid: 1000 0 0 0\nCapBnd: 00000000800405fb"},
		{"capabilities of files", "cp /usr/bin/grep /tmp/g && python3 - <<'E'\nimport os,struct\n" +
			"os.setxattr('/tmp/g','security.capability',struct.pack('<IIIII',0x02000001,1<<21,0,0,0))\nE\n/tmp/g CapEff /proc/self/status 2>/dev/null || echo no", "no"},
		{"kernel settings", "sysctl -w vm.overcommit_memory=1 2>&1 | grep -cE 'Read-only|denied|ignoring'; sysctl -w kernel.pid_max=99 >/dev/null 2>&1 || echo no", "1\nno"},
		{"the disk", "mount -o remount,size=9g / 2>/dev/null || echo no; resize2fs /dev/loop0 2>/dev/null || echo no; dd if=/dev/zero of=/dev/loop0 count=1 2>/dev/null; test -f /dev/loop0 && echo a file", "no\nno\na file"},
		{"watching files", "cat /proc/sys/user/max_inotify_instances; echo 999 2>/dev/null >/proc/sys/user/max_inotify_instances || echo no", "32\nno"},
		{"shared memory", "mount -o remount,size=9g /dev/shm 2>/dev/null || echo no", "no"},
		{"the clock", "date -s 2020-01-01 >/dev/null 2>&1 || echo no", "no"},
	})
}

// sleepers counts the processes of this machine whose command line is made of
// the given words.
func sleepers(t *testing.T, mark string) (n int) {
	t.Helper()
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range all {
		if raw, err := os.ReadFile(p); err == nil && strings.Contains(string(raw), mark) {
			n++
		}
	}
	return n
}

// Whatever its processes do about it, destroying a sandbox ends them all, and
// where a machine has nothing else to do, well within ten seconds.
func TestNothingSurvivesDestroy(t *testing.T) {
	needRoot(t)
	store, name := testImage(t)
	state := t.TempDir()
	d := open(t, state, store)
	cleanUp(t, d)
	before := residue(t, d, state)
	for what, command := range map[string]string{
		"deaf to signals":  `bash -c 'trap "" TERM INT HUP QUIT USR1 USR2; while :; do %[1]s; done' & `,
		"forked twice":     `(setsid bash -c '(setsid %[1]s &) ; (setsid %[1]s &)' &)`,
		"stopped":          `setsid %[1]s & kill -STOP $!`,
		"traced and still": `setsid strace -f -o /dev/null %[1]s & for i in $(seq 600); do pgrep -x sleep >/dev/null && break; sleep 0.05; done; kill -STOP $(pgrep -x sleep) $(pgrep -x strace)`,
		"multiplying":      `setsid bash -c 'f() { f | f & }; f' 2>/dev/null & setsid %[1]s & for i in $(seq 40); do setsid bash -c 'while :; do (setsid true &); done' & done`,
		"in the kernel":    `mkfifo /tmp/f; setsid cat /tmp/f & setsid bash -c 'exec 3>/tmp/g; flock 3; %[1]s' & setsid %[1]s &`,
		"writing":          `setsid bash -c 'while :; do head -c 20M /dev/zero >/root/x; sync; done' & setsid %[1]s &`,
	} {
		t.Run(what, func(t *testing.T) {
			id := strings.ReplaceAll(what, " ", "-")
			mark := "sleep\x0099" + strconv.Itoa(len(what)) + "." + strconv.Itoa(os.Getpid())
			sleep := strings.ReplaceAll(mark, "\x00", " ")
			if err := d.Create(t.Context(), labs.Spec{ID: id, Image: name}); err != nil {
				t.Fatal(err)
			}
			c := drivertest.Connect(t, d, id)
			s, err := c.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			_ = s.Run("exec >/dev/null 2>&1 </dev/null; " + fmt.Sprintf(command, sleep) + "\ntrue")
			patience := 3 * time.Minute
			if os.Getenv("CMH_TEST_THOROUGH") != "" { // make test-security
				patience = 10 * time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := d.Destroy(ctx, id); err != nil {
				t.Error(err)
			}
			if n := sleepers(t, mark); n > 0 {
				t.Errorf("%d of its processes live on", n)
			}
		})
	}
	settled(t, d, state, before)
}

// Ten thousand short children, whose parents don't wait for them, are
// collected by process 1: none stays behind as a zombie.
func TestOrphansAreCollected(t *testing.T) {
	t.Parallel()
	c := machine(t, labs.Spec{Limits: labs.Limits{CPUs: 2}})
	hold(t, c, []says{
		{"orphans", "cat >/tmp/o.py <<'E'\nimport os\nfor i in range(10000):\n  p = os.fork()\n  if p == 0:\n    if os.fork() == 0: os._exit(0)\n    os._exit(0)\n  os.waitpid(p, 0)\nE\npython3 /tmp/o.py && echo done", "done"},
		{"zombies", within("! ps -eo stat | grep -q '^Z'") + "ps -eo stat | grep -c '^Z'", "0"},
	})
}

// The inspection that finds nothing in our sandboxes finds a great deal in a
// sandbox that is one in name only: it is the inspection that is tried here.
func TestInspectionFindsWeakSandboxes(t *testing.T) {
	needRoot(t)
	t.Parallel()
	inspect, env := buildInspect(t)
	args := []string{"unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child", "--mount-proc", "sh", "-c", env + "WANT_NNP=1 exec " + inspect}
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	found := strings.Count(string(out), "\n")
	if err == nil || found < 30 {
		t.Errorf("only %d things are wrong with namespaces alone: %v\n%s", found, err, out)
	}
	for _, layer := range []string{"CapEff", "no seccomp filter", "uid_map", "no_new_privs", "the user namespace", "system call mount", "system call bpf", "/dev/", "/sys is not empty", "can be written", "can be read", "open files"} {
		if !strings.Contains(string(out), layer) {
			t.Errorf("nothing is said of %q:\n%s", layer, out)
		}
	}
	// And it doesn't run where it could do harm.
	bare := exec.CommandContext(t.Context(), "sh", "-c", env+inspect)
	if out, err := bare.CombinedOutput(); err == nil || !strings.Contains(string(out), "refusing") {
		t.Errorf("on the host: %v\n%s", err, out)
	}
}
