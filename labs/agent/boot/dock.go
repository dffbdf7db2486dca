package boot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// DockMain is the whole life of a process named proto.DockName: it takes its
// descriptors over from the driver and becomes the agent, or it is a connection
// to the agent. Limits, filter and capabilities are in place: the engine saw to
// them.
func DockMain() {
	var err error
	switch {
	case len(os.Args) == 1:
		err = dock()
	case os.Args[1] == proto.ApartMode:
		err = apart()
	case os.Args[1] == proto.DialMode:
		err = dial()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab-dock:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// high is where received descriptors are kept until they get their numbers,
// above all that the runtime has open.
const high = 100

// dock only ever returns an error: when it works, this is the agent.
func dock() error {
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(s, &unix.SockaddrUnix{Name: proto.DockSocket}); err != nil {
		return fmt.Errorf("reach the driver: %w", err)
	}
	packet, rights := make([]byte, 160<<10), make([]byte, unix.CmsgSpace(4*16))
	n, nr, _, _, err := unix.Recvmsg(s, packet, rights, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return fmt.Errorf("listen to the driver: %w", err)
	}
	var said proto.Dock
	if err := json.Unmarshal(packet[:n], &said); err != nil {
		return fmt.Errorf("understand the driver: %w", err)
	}
	files, err := received(rights[:nr])
	if err != nil {
		return err
	}
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	place := map[int]int{0: null, 1: files[2], 2: files[2], proto.ListenFD: files[0], proto.BootFD: files[1]}
	last := proto.BootFD
	for _, fd := range files[3:] { // the files of Boot.Cgroups
		last++
		place[last] = fd
	}
	return become(said, place, last)
}

// become makes this process the agent, with the descriptors that place says.
func become(said proto.Dock, place map[int]int, last int) error {
	furnish(said.Files)
	for to, from := range place {
		if err := unix.Dup3(from, to, 0); err != nil {
			return err
		}
	}
	if err := unix.CloseRange(uint(last+1), math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return err
	}
	unix.Umask(0o022)
	return syscall.Exec("/proc/self/exe", []string{proto.AgentName}, said.Env)
}

func received(rights []byte) ([]int, error) {
	msgs, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(msgs) != 1 {
		return nil, errors.Join(errors.New("the driver handed nothing over"), err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) < 3 {
		return nil, errors.Join(errors.New("the driver handed too little over"), err)
	}
	for i, fd := range fds {
		if fds[i], err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, high); err != nil {
			return nil, err
		}
	}
	return fds, nil
}

// furnish makes what stage 0 makes elsewhere: /run is the engine's and empty,
// and Docker's /etc/hosts without a network leaves the machine's own name out.
func furnish(files map[string][]byte) {
	for name, content := range files {
		_ = os.WriteFile(name, content, 0o644)
	}
	for dir, mode := range map[string]fs.FileMode{"/run/lab": 0o700, "/run/lock": 0o777 | fs.ModeSticky, "/run/sshd": 0o755} {
		if err := os.Mkdir(dir, 0o755); err == nil {
			_ = os.Chmod(dir, mode)
		}
	}
	name, err := os.Hostname()
	if hosts, readErr := os.ReadFile("/etc/hosts"); err != nil || readErr != nil || strings.Contains(string(hosts), "\t"+name+"\n") {
		return
	}
	if f, err := os.OpenFile("/etc/hosts", os.O_APPEND|os.O_WRONLY, 0); err == nil {
		fmt.Fprintf(f, "127.0.1.1\t%s\n", name)
		f.Close()
	}
}
