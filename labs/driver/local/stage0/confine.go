package stage0

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Capabilities that root keeps inside. Each is limited to the sandbox's own
// user namespace; none of them mounts, traces other owners, opens raw sockets
// or makes namespaces.
var Capabilities = map[string]uint{
	"CAP_CHOWN":            unix.CAP_CHOWN,
	"CAP_DAC_OVERRIDE":     unix.CAP_DAC_OVERRIDE,
	"CAP_FOWNER":           unix.CAP_FOWNER,
	"CAP_FSETID":           unix.CAP_FSETID,
	"CAP_KILL":             unix.CAP_KILL,
	"CAP_SETGID":           unix.CAP_SETGID,
	"CAP_SETUID":           unix.CAP_SETUID,
	"CAP_SETPCAP":          unix.CAP_SETPCAP,
	"CAP_NET_BIND_SERVICE": unix.CAP_NET_BIND_SERVICE,
	"CAP_SYS_CHROOT":       unix.CAP_SYS_CHROOT,
	"CAP_SETFCAP":          unix.CAP_SETFCAP,
}

// confine gives up, for this thread and whatever it executes, everything that
// the sandbox doesn't have. The order matters: the filter needs CAP_SYS_ADMIN
// or no_new_privs, so capabilities go last.
func confine(conf *Config) error {
	limits := map[int]unix.Rlimit{
		unix.RLIMIT_NOFILE: {Cur: conf.OpenFiles, Max: conf.OpenFiles},
		// One byte is as good as none for a file, and what keeps a core from a
		// program of the host's too: to such a one the kernel would pipe it
		// whatever the limit, but for exactly this.
		unix.RLIMIT_CORE: {Cur: 1, Max: 1},
	}
	if conf.Processes > 0 {
		limits[unix.RLIMIT_NPROC] = unix.Rlimit{Cur: conf.Processes, Max: conf.Processes}
	}
	for which, l := range limits {
		if err := unix.Setrlimit(which, &l); err != nil {
			return fmt.Errorf("set limit %d to %d: %w", which, l.Max, err)
		}
	}
	var keep uint64
	for _, c := range Capabilities {
		keep |= 1 << c
	}
	for c := uint(0); c < 64; c++ {
		if keep&(1<<c) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil {
			if errors.Is(err, unix.EINVAL) {
				break // past the kernel's last one
			}
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	if conf.NoNewPrivs {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("set no_new_privs: %w", err)
		}
	}
	if err := installFilter(conf.Filter); err != nil {
		return fmt.Errorf("install the seccomp filter: %w", err)
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	lo, hi := uint32(keep), uint32(keep>>32)
	data := [2]unix.CapUserData{{Effective: lo, Permitted: lo}, {Effective: hi, Permitted: hi}}
	if err := unix.Capset(&hdr, &data[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}

func installFilter(filter []byte) error {
	size := int(unsafe.Sizeof(unix.SockFilter{}))
	if len(filter) == 0 || len(filter)%size != 0 {
		return errors.New("no filter given")
	}
	prog := unix.SockFprog{
		Len:    uint16(len(filter) / size),
		Filter: (*unix.SockFilter)(unsafe.Pointer(&filter[0])),
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
}
