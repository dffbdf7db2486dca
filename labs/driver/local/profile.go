package local

import (
	"encoding/json"
	"fmt"
	"sort"

	bpf "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/driver/local/stage0"
)

// SeccompProfile is this driver's filter for engines that make one themselves,
// in the format they share. It differs in one answer: a socket of a family that
// isn't there is refused with EPERM, since two answers can't be given for one
// call.
func SeccompProfile() ([]byte, error) {
	type arg struct {
		Index    uint32 `json:"index"`
		Value    uint64 `json:"value"`
		ValueTwo uint64 `json:"valueTwo"`
		Op       string `json:"op"`
	}
	type rule struct {
		Names    []string `json:"names"`
		Action   string   `json:"action"`
		ErrnoRet *uint    `json:"errnoRet,omitempty"`
		Args     []arg    `json:"args,omitempty"`
	}
	allow, err := allowed()
	if err != nil {
		return nil, err
	}
	nosys := uint(unix.ENOSYS)
	rules := []rule{
		{Names: allow.Names, Action: "SCMP_ACT_ALLOW"},
		{Names: []string{"clone3"}, Action: "SCMP_ACT_ERRNO", ErrnoRet: &nosys},
	}
	for _, n := range allow.NamesWithCondtions {
		r := rule{Names: []string{n.Name}, Action: "SCMP_ACT_ALLOW"}
		for _, c := range n.Conditions {
			a := arg{Index: c.Argument, Value: c.Value}
			switch c.Operation {
			case bpf.Equal:
				a.Op = "SCMP_CMP_EQ"
			case bpf.NotEqual:
				a.Op = "SCMP_CMP_NE"
			case bpf.BitsNotSet:
				a.Op = "SCMP_CMP_MASKED_EQ" // the mask's bits are 0
			default:
				return nil, fmt.Errorf("comparison %s of %s is not translated", c.Operation, n.Name)
			}
			r.Args = append(r.Args, a)
		}
		rules = append(rules, r)
	}
	return json.Marshal(struct {
		DefaultAction string `json:"defaultAction"`
		Syscalls      []rule `json:"syscalls"`
	}{"SCMP_ACT_ERRNO", rules})
}

// Capabilities are the names of those that root keeps inside, sorted.
func Capabilities() []string {
	var names []string
	for name := range stage0.Capabilities {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// ClosedPaths are what of /proc and /sys is masked, and what of /proc is
// read-only.
func ClosedPaths() (masked, readOnly []string) { return stage0.ClosedPaths() }
