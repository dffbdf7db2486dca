// Command inspect tells what a process inside a sandbox can see and do. Run
// through a sandbox's agent it prints one line for each thing that is not as
// it should be, and exits 1 if there is any.
//
// It does no harm: system calls get arguments that can't succeed even where
// the call is allowed, and files are opened, never written.
package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// allowedCaps is the set a sandbox's root may have: chown, dac_override,
// fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, sys_chroot
// and setfcap.
const allowedCaps = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER | 1<<unix.CAP_FSETID | 1<<unix.CAP_KILL |
	1<<unix.CAP_SETGID | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETPCAP | 1<<unix.CAP_NET_BIND_SERVICE | 1<<unix.CAP_SYS_CHROOT | 1<<unix.CAP_SETFCAP

var violations []string

func violation(format string, args ...any) {
	violations = append(violations, fmt.Sprintf(format, args...))
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "call" {
		os.Exit(int(calls[os.Args[2]]()))
	}
	// The host's mount namespace, as its own test sees it: proof that this
	// isn't the host.
	host := os.Getenv("HOSTNS_mnt")
	if own, _ := os.Readlink("/proc/self/ns/mnt"); host == "" || own == "" || own == host {
		fmt.Println("this is not a sandbox: refusing to run")
		os.Exit(3)
	}
	identity()
	systemCalls()
	files()
	limits()
	for _, v := range violations {
		fmt.Println(v)
	}
	if len(violations) > 0 {
		os.Exit(1)
	}
	fmt.Println("ok")
}

func status() map[string]string {
	raw, _ := os.ReadFile("/proc/self/status")
	m := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		if k, v, ok := strings.Cut(line, ":"); ok {
			m[k] = strings.TrimSpace(v)
		}
	}
	return m
}

func identity() {
	st := status()
	for _, set := range []string{"CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"} {
		have, err := strconv.ParseUint(st[set], 16, 64)
		if err != nil || have&^allowedCaps != 0 {
			violation("%s is %s, beyond %016x", set, st[set], uint64(allowedCaps))
		}
	}
	if st["NoNewPrivs"] != os.Getenv("WANT_NNP") {
		violation("no_new_privs is %s, want %s", st["NoNewPrivs"], os.Getenv("WANT_NNP"))
	}
	if st["Seccomp"] != "2" {
		violation("no seccomp filter")
	}
	raw, _ := os.ReadFile("/proc/self/uid_map")
	f := strings.Fields(string(raw))
	if len(f) != 3 || f[0] != "0" || f[2] != "65536" {
		violation("uid_map is %v", f)
	} else if base, _ := strconv.Atoi(f[1]); base < 100000 {
		violation("uid 0 is %s outside", f[1])
	}
	for _, ns := range []string{"user", "pid", "net", "mnt", "ipc", "uts", "cgroup"} {
		own, err := os.Readlink("/proc/self/ns/" + ns)
		if err != nil || own == os.Getenv("HOSTNS_"+ns) || os.Getenv("HOSTNS_"+ns) == "" {
			violation("the %s namespace is the host's, or can't be told", ns)
		}
	}
	secret := regexp.MustCompile(`(?i)(secret|token|passw|database|api_?key|aws_|jwt)`)
	for _, kv := range os.Environ() {
		if k, _, _ := strings.Cut(kv, "="); secret.MatchString(k) {
			violation("the environment holds %s", k)
		}
	}
}

func ptr(s string) uintptr {
	p, _ := unix.BytePtrFromString(s)
	return uintptr(unsafe.Pointer(p))
}

func call(nr uintptr, a ...uintptr) syscall.Errno {
	var x [6]uintptr
	copy(x[:], a)
	_, _, e := syscall.RawSyscall6(nr, x[0], x[1], x[2], x[3], x[4], x[5])
	return e
}

const none = ^uintptr(0) // as a descriptor or a number, nothing

// calls must all be refused. Each could at most fail for another reason.
var calls = map[string]func() syscall.Errno{
	"mount":         func() syscall.Errno { return call(unix.SYS_MOUNT, ptr("x"), ptr("/"), ptr("nosuchfs")) },
	"umount":        func() syscall.Errno { return call(unix.SYS_UMOUNT2, ptr("/nowhere")) },
	"fsopen":        func() syscall.Errno { return call(unix.SYS_FSOPEN, ptr("nosuchfs")) },
	"open_tree":     func() syscall.Errno { return call(unix.SYS_OPEN_TREE, none, ptr("/nowhere"), 1) },
	"move_mount":    func() syscall.Errno { return call(unix.SYS_MOVE_MOUNT, none, ptr(""), none, ptr(""), 0) },
	"pivot_root":    func() syscall.Errno { return call(unix.SYS_PIVOT_ROOT, ptr("/nowhere"), ptr("/nowhere")) },
	"unshare user":  func() syscall.Errno { return call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER) },
	"unshare mount": func() syscall.Errno { return call(unix.SYS_UNSHARE, unix.CLONE_NEWNS) },
	"unshare net":   func() syscall.Errno { return call(unix.SYS_UNSHARE, unix.CLONE_NEWNET) },
	"setns":         func() syscall.Errno { return call(unix.SYS_SETNS, none) },
	"setns to the host name's owner": func() syscall.Errno {
		uts, err := unix.Open("/proc/self/ns/uts", unix.O_RDONLY, 0)
		if err != nil {
			return unix.EACCES
		}
		owner, _, e := syscall.Syscall(unix.SYS_IOCTL, uintptr(uts), unix.NS_GET_USERNS, 0)
		if e != 0 {
			return e
		}
		return call(unix.SYS_SETNS, owner, unix.CLONE_NEWUSER)
	},
	"clone3":            func() syscall.Errno { return call(unix.SYS_CLONE3, 0, 0) },
	"bpf":               func() syscall.Errno { return call(unix.SYS_BPF, none, 0, 0) },
	"perf_event_open":   func() syscall.Errno { return call(unix.SYS_PERF_EVENT_OPEN, 0, 0, none, none, 0) },
	"keyctl":            func() syscall.Errno { return call(unix.SYS_KEYCTL, none) },
	"add_key":           func() syscall.Errno { return call(unix.SYS_ADD_KEY, 0, 0, 0, 0, none) },
	"request_key":       func() syscall.Errno { return call(unix.SYS_REQUEST_KEY, 0, 0, 0, none) },
	"userfaultfd":       func() syscall.Errno { return call(unix.SYS_USERFAULTFD, none) },
	"io_uring_setup":    func() syscall.Errno { return call(unix.SYS_IO_URING_SETUP, 1, 0) },
	"open_by_handle_at": func() syscall.Errno { return call(unix.SYS_OPEN_BY_HANDLE_AT, none, 0, 0) },
	"fanotify_init":     func() syscall.Errno { return call(unix.SYS_FANOTIFY_INIT, none) },
	"quotactl":          func() syscall.Errno { return call(unix.SYS_QUOTACTL, none, ptr("/dev/nothing")) },
	"kexec_load":        func() syscall.Errno { return call(unix.SYS_KEXEC_LOAD, 0, none, 0, none) },
	"init_module":       func() syscall.Errno { return call(unix.SYS_INIT_MODULE, 0, 0, 0) },
	"finit_module":      func() syscall.Errno { return call(unix.SYS_FINIT_MODULE, none, 0, 0) },
	"reboot":            func() syscall.Errno { return call(unix.SYS_REBOOT, 1, 2, 3) },
	"swapon":            func() syscall.Errno { return call(unix.SYS_SWAPON, ptr("/nowhere")) },
	"acct":              func() syscall.Errno { return call(unix.SYS_ACCT, ptr("/nowhere/x")) },
	"syslog":            func() syscall.Errno { return call(unix.SYS_SYSLOG, 3, 0, 0) },
	"clock_settime":     func() syscall.Errno { return call(unix.SYS_CLOCK_SETTIME, 0, 1) },
	"iopl":              func() syscall.Errno { return call(unix.SYS_IOPL, 3) },
	"block device": func() syscall.Errno {
		e := call(unix.SYS_MKNODAT, uintptr(0xffffffffffffff9c), ptr("/tmp/.inspect"), unix.S_IFBLK|0o600, 0x0800)
		_ = unix.Unlink("/tmp/.inspect")
		return e
	},
	"packet socket": func() syscall.Errno { return call(unix.SYS_SOCKET, unix.AF_PACKET, unix.SOCK_RAW, 0x0300) },
	"raw socket":    func() syscall.Errno { return call(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_RAW, 1) },
	"crypto socket": func() syscall.Errno { return call(unix.SYS_SOCKET, unix.AF_ALG, unix.SOCK_SEQPACKET, 0) },
	"vsock":         func() syscall.Errno { return call(unix.SYS_SOCKET, unix.AF_VSOCK, unix.SOCK_STREAM, 0) },
	"netfilter socket": func() syscall.Errno {
		return call(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER)
	},
	"nice": func() syscall.Errno { return call(unix.SYS_SETPRIORITY, 0, 0, uintptr(0xffffffffffffffec)) }, // -20
	"more files": func() syscall.Errno {
		lim := unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}
		return call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&lim)), 0)
	},
}

// systemCalls makes each in a process of its own, so that a success or a
// killing filter changes nothing here.
func systemCalls() {
	refusals := []syscall.Errno{unix.EPERM, unix.ENOSYS, unix.EACCES, unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT}
	for name := range calls {
		err := exec.CommandContext(context.Background(), "/proc/self/exe", "call", name).Run()
		code := 0
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Run returns it bare
			code = exit.ExitCode()
		} else if err != nil {
			violation("%s: %v", name, err)
			continue
		}
		if code >= 0 && !slices.Contains(refusals, syscall.Errno(code)) {
			violation("system call %s gives %q", name, syscall.Errno(code))
		}
	}
}

func files() {
	for _, path := range []string{
		"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname", "/proc/sys/vm/panic_on_oom",
		"/proc/sysrq-trigger", "/proc/sys/net/ipv4/ip_forward", "/sys/kernel/uevent_helper",
		"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/tasks", "/sys/fs/cgroup/release_agent",
	} {
		if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
			f.Close()
			violation("%s can be written", path)
		}
	}
	for _, path := range []string{
		"/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/timer_list", "/proc/kallsyms", "/proc/1/environ", "/proc/1/mem", "/proc/1/maps",
		"/proc/1/fd/3", "/proc/1/exe", "/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/sda", "/dev/loop0", "/dev/fuse", "/dev/kvm",
		"/var/run/docker.sock", "/run/containerd/containerd.sock", "/sys/firmware", "/sys/kernel/debug",
	} {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		b := make([]byte, 1)
		if n, _ := f.Read(b); n > 0 {
			violation("%s can be read", path)
		}
		f.Close()
	}
	known := []string{"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "mqueue", "fd", "stdin", "stdout", "stderr"}
	entries, _ := os.ReadDir("/dev")
	for _, e := range entries {
		if !slices.Contains(known, e.Name()) {
			violation("/dev/%s exists", e.Name())
		}
	}
	open, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range open {
		n, _ := strconv.Atoi(filepath.Base(fd))
		if to, err := os.Readlink(fd); err == nil && n > 2 && !strings.Contains(to, "anon_inode") && !strings.HasPrefix(to, "/proc/") {
			violation("descriptor %d is open: %s", n, to)
		}
	}
	raw, _ := os.ReadFile("/proc/net/unix")
	if strings.Contains(string(raw), " @") {
		violation("abstract Unix sockets are visible")
	}
	_ = filepath.WalkDir("/sys", func(p string, _ fs.DirEntry, err error) error {
		if err != nil || p != "/sys" && p != "/sys/dev" && p != "/sys/dev/block" { // a folder that lsblk looks for
			violation("/sys is not empty: it has %s", p)
			return fs.SkipAll
		}
		return nil
	})
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], "/sys/") {
			violation("%s is mounted", f[4])
		}
	}
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("-500"), 0); err == nil {
		violation("oom_score_adj can be lowered below 0")
	}
}

func limits() {
	var l unix.Rlimit
	if _ = unix.Getrlimit(unix.RLIMIT_NOFILE, &l); l.Max > 4096 {
		violation("%d open files", l.Max)
	}
	if _ = unix.Getrlimit(unix.RLIMIT_CORE, &l); l.Max > 1 {
		violation("core files of %d", l.Max)
	}
}
