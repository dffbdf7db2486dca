// Package stage0 finishes a sandbox from the inside and becomes its agent.
//
// The driver (labs/driver/local) starts the agent's binary in new namespaces
// under the name proto.InitName. Main then mounts, masks, limits and drops,
// and executes the same binary once more, from the memory file it came from,
// as proto.AgentName: process 1 of the sandbox, with the descriptors that
// labs/agent/proto names and nothing else.
//
// It imports little, because it runs on the way to every prompt.
package stage0

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// Descriptors of stage 0 beside proto's. The agent never sees these two; the
// files of Boot.Cgroups follow from CgroupFD on.
const (
	ConfigFD = 5 // a Config as JSON
	SyncFD   = 6 // a seqpacket socket to the driver
	CgroupFD = 7
)

// Words on the sync socket.
const (
	// Go comes from the driver, with the root file system's detached mount as
	// ancillary data unless Config.Overlay is set. An end of file instead
	// means that the driver is gone, and ends the sandbox.
	Go = "go"
	// Anything from stage 0 is an error, in words. An end of file means that
	// the agent is running.
)

// Config is what the driver decided.
type Config struct {
	Hostname   string   `json:"hostname"`
	Env        []string `json:"env"`
	OpenFiles  uint64   `json:"open_files"`
	Processes  uint64   `json:"processes,omitempty"` // RLIMIT_NPROC, where no cgroup counts; 0: leave it
	ShmBytes   int64    `json:"shm_bytes"`
	NoNewPrivs bool     `json:"no_new_privs"`
	Filter     []byte   `json:"filter"`    // seccomp: struct sock_filter, packed
	ManyUIDs   bool     `json:"many_uids"` // the uid map is wider than root
	HostUsr    bool     `json:"host_usr"`  // bind the host's /usr, read-only
	Kept       bool     `json:"kept"`      // the tree was a learner's before: its names stay as they are
	Remap      bool     `json:"remap"`     // the map is written after the start: execute again to become root
	Overlay    *Overlay `json:"overlay"`   // mount the root here; nil: it comes with Go
	Files      int      `json:"files"`     // how many descriptors were handed over
}

// Overlay is a root file system that stage 0 mounts itself, since an ordinary
// user can only do so inside the user namespace.
type Overlay struct {
	Lower  string `json:"lower"`
	Below  string `json:"below"` // a tree of what the image lacks
	Bytes  int64  `json:"bytes"`
	Inodes int64  `json:"inodes"`
}

// Main is the whole life of a process named proto.InitName. It returns only
// by becoming the agent or by exiting.
func Main() {
	// Mount namespace, capabilities, filter and no_new_privs belong to the
	// thread; the agent must be executed from the one that has them.
	runtime.LockOSThread()
	_, _ = unix.Write(SyncFD, []byte(run().Error()))
	os.Exit(1)
}

// run only ever returns an error: when it works, this is another program.
func run() error {
	conf, err := readConfig()
	if err != nil {
		return err
	}
	// Whoever started the server may have left descriptors open in it, and
	// they came along.
	if err := unix.CloseRange(uint(conf.Files), math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("close what is not ours: %w", err)
	}
	self, err := unix.Open("/proc/self/exe", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the agent's binary: %w", err)
	}
	var root int
	if again := len(os.Args) > 1; !again {
		if root, err = awaitGo(); err != nil {
			return err
		}
		if conf.Remap {
			argv := []string{proto.InitName, "mapped"}
			return fmt.Errorf("execute stage 0 again: %w", syscall.Exec("/proc/self/exe", argv, nil))
		}
	}
	unix.CloseOnExec(ConfigFD)
	unix.CloseOnExec(SyncFD)
	if err := buildTree(conf, root); err != nil {
		return err
	}
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	if err := Plausible(); err != nil {
		return fmt.Errorf("make a network to look at: %w", err)
	}
	if err := looseName(); err != nil {
		return fmt.Errorf("give the host name a namespace: %w", err)
	}
	if err := unix.Sethostname([]byte(conf.Hostname)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	unix.Umask(0o022)
	if err := confine(conf); err != nil {
		return err
	}
	err = syscall.Exec("/proc/self/fd/"+strconv.Itoa(self), []string{proto.AgentName}, conf.Env)
	return fmt.Errorf("execute the agent: %w", err)
}

func readConfig() (*Config, error) {
	raw, err := io.ReadAll(io.NewSectionReader(os.NewFile(ConfigFD, "config"), 0, 4<<20))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	var c Config
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return &c, nil
}

// awaitGo blocks until the driver has recorded this process, so that no
// sandbox can exist that a later driver doesn't know of.
func awaitGo() (root int, err error) {
	buf, oob := make([]byte, 16), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := recvmsg(buf, oob)
	if err != nil {
		return -1, fmt.Errorf("wait for the driver: %w", err)
	}
	if string(buf[:n]) != Go {
		return -1, errors.New("the driver went away")
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(msgs) == 0 {
		return -1, err
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		return -1, fmt.Errorf("receive the root file system: %w", err)
	}
	return fds[0], nil
}

func recvmsg(buf, oob []byte) (n, oobn, flags int, from unix.Sockaddr, err error) {
	for {
		n, oobn, flags, from, err = unix.Recvmsg(SyncFD, buf, oob, unix.MSG_CMSG_CLOEXEC)
		if !errors.Is(err, unix.EINTR) {
			return n, oobn, flags, from, err
		}
	}
}

func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, req)
}
