package local

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	bpf "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	rawbpf "golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/driver/local/stage0"
)

// denied are calls that no lab needs and that have cost kernels dearly, left
// out even where the profile we start from allows them.
var denied = []string{
	"add_key", "bpf", "fanotify_init", "fanotify_mark", "io_uring_enter", "io_uring_register", "io_uring_setup",
	"keyctl", "name_to_handle_at", "open_by_handle_at", "perf_event_open", "quotactl", "quotactl_fd", "request_key",
	"userfaultfd", "lsm_set_self_attr",
}

// added are calls that Moby ties to a capability and we don't: whether they
// work is decided by who owns the UTS namespace (stage0.looseName).
var added = []string{"sethostname", "setdomainname"}

// sockets are the address families of a machine that is alone. Netlink is for
// addresses, sockets and the audit messages that PAM insists on trying.
var sockets = []bpf.ArgumentConditions{
	{family(unix.AF_UNIX)},
	{family(unix.AF_INET)},
	{family(unix.AF_INET6)},
	{family(unix.AF_NETLINK), netlink(unix.NETLINK_ROUTE)},
	{family(unix.AF_NETLINK), netlink(unix.NETLINK_SOCK_DIAG)},
	{family(unix.AF_NETLINK), netlink(unix.NETLINK_AUDIT)},
}

func family(f uint64) bpf.Condition {
	return bpf.Condition{Argument: 0, Operation: bpf.Equal, Value: f}
}

func netlink(p uint64) bpf.Condition {
	return bpf.Condition{Argument: 2, Operation: bpf.Equal, Value: p}
}

func errno(e unix.Errno) bpf.Action { return bpf.ActionErrno | bpf.Action(e) }

// allowed is Moby's allow-list, as it is for our capabilities, without what no
// lab needs.
func allowed() (allow bpf.SyscallGroup, err error) {
	caps := &specs.LinuxCapabilities{}
	for name := range stage0.Capabilities {
		caps.Bounding = append(caps.Bounding, name)
	}
	profile, err := seccomp.GetDefaultProfile(&specs.Spec{Process: &specs.Process{Capabilities: caps}})
	if err != nil {
		return allow, err
	}
	machine, err := arch.GetInfo("")
	if err != nil {
		return allow, err
	}
	allow = bpf.SyscallGroup{Action: bpf.ActionAllow, Names: slices.Clone(added)}
	plain := map[string]bool{}
	for _, rule := range profile.Syscalls {
		for _, name := range rule.Names {
			_, known := machine.SyscallNames[name]
			if !known || rule.Action != specs.ActAllow || name == "socket" || slices.Contains(denied, name) {
				continue
			}
			if len(rule.Args) == 0 && !plain[name] {
				plain[name] = true
				allow.Names = append(allow.Names, name)
			}
		}
	}
	for _, rule := range profile.Syscalls {
		for _, name := range rule.Names {
			_, known := machine.SyscallNames[name]
			if !known || rule.Action != specs.ActAllow || len(rule.Args) == 0 || plain[name] || name == "socket" {
				continue
			}
			conds, err := conditions(rule.Args)
			if err != nil {
				return allow, fmt.Errorf("%s: %w", name, err)
			}
			allow.NamesWithCondtions = append(allow.NamesWithCondtions, bpf.NameWithConditions{Name: name, Conditions: conds})
		}
	}
	for _, c := range sockets {
		allow.NamesWithCondtions = append(allow.NamesWithCondtions, bpf.NameWithConditions{Name: "socket", Conditions: c})
	}
	return allow, nil
}

// compileFilter makes of it the program that stage 0 installs.
func compileFilter() ([]byte, error) {
	allow, err := allowed()
	if err != nil {
		return nil, err
	}
	policy := bpf.Policy{
		DefaultAction: bpf.ActionErrno, // EPERM
		Syscalls: []bpf.SyscallGroup{
			allow,
			// What callers take for "not in this kernel", and fall back from.
			{Names: []string{"socket"}, Action: errno(unix.EAFNOSUPPORT)},
			{Names: []string{"clone3"}, Action: errno(unix.ENOSYS)},
		},
	}
	program, err := policy.Assemble()
	if err != nil {
		return nil, err
	}
	raw, err := rawbpf.Assemble(program)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, in := range raw {
		if err := binary.Write(&out, binary.NativeEndian, unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func conditions(args []specs.LinuxSeccompArg) (bpf.ArgumentConditions, error) {
	var all bpf.ArgumentConditions
	for _, a := range args {
		c := bpf.Condition{Argument: uint32(a.Index), Value: a.Value}
		switch {
		case a.Op == specs.OpEqualTo:
			c.Operation = bpf.Equal
		case a.Op == specs.OpNotEqual:
			c.Operation = bpf.NotEqual
		case a.Op == specs.OpMaskedEqual && a.ValueTwo == 0:
			c.Operation = bpf.BitsNotSet
		default:
			return nil, fmt.Errorf("comparison %s is not translated", a.Op)
		}
		all = append(all, c)
	}
	return all, nil
}
