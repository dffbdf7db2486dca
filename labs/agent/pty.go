package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// openPTY returns a PTY's two ends; ours takes deadlines.
func openPTY(size unix.Winsize, modes ssh.TerminalModes) (ptmx, tty *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open a terminal: %w", err)
	}
	ptmx = os.NewFile(uintptr(fd), "/dev/ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		ptmx.Close()
		return nil, nil, fmt.Errorf("unlock a terminal: %w", err)
	}
	if tty, err = peer(ptmx); err != nil {
		ptmx.Close()
		return nil, nil, err
	}
	setModes(tty, modes)
	setSize(ptmx, size)
	return ptmx, tty, nil
}

// peer opens the far end of ptmx: by the kernel's own call where there is one,
// so that no file name can mislead us.
func peer(ptmx *os.File) (*os.File, error) {
	var fd uintptr
	var err error
	control(ptmx, func(m int) {
		const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
		var errno unix.Errno
		fd, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(m), unix.TIOCGPTPEER, flags)
		if errno == 0 {
			return
		}
		n, e := unix.IoctlGetInt(m, unix.TIOCGPTN)
		if e != nil {
			err = e
			return
		}
		var f int
		f, err = unix.Open("/dev/pts/"+strconv.Itoa(n), flags, 0)
		fd = uintptr(f)
	})
	if err != nil {
		return nil, fmt.Errorf("open a terminal: %w", err)
	}
	return os.NewFile(fd, "tty"), nil
}

func control(f *os.File, fn func(fd int)) {
	if rc, err := f.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { fn(int(fd)) })
	}
}

func setSize(f *os.File, size unix.Winsize) {
	control(f, func(fd int) { _ = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &size) })
}

// clampSize makes a window size of what a client says, which may be anything:
// "ssh -tt" without a terminal says 0x0.
func clampSize(cols, rows uint32) unix.Winsize {
	fit := func(n, def uint32) uint16 {
		if n == 0 {
			n = def
		}
		return uint16(min(n, 1000))
	}
	return unix.Winsize{Col: fit(cols, 80), Row: fit(rows, 24)}
}

// foreground is the process group that a terminal's keys go to.
func foreground(f *os.File) (pg int) {
	control(f, func(fd int) { pg, _ = unix.IoctlGetInt(fd, unix.TIOCGPGRP) })
	return pg
}

// atPrompt says whether the terminal's shell is reading a line: a line editor
// has switched the kernel's own off.
func atPrompt(f *os.File) (editing bool) {
	control(f, func(fd int) {
		if tio, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			editing = tio.Lflag&unix.ICANON == 0 && tio.Lflag&unix.ISIG != 0
		}
	})
	return editing
}

// sane undoes what a dead program did to the terminal.
func sane(tty *os.File) { setModes(tty, nil) }

// Control characters and flags that a client may set (RFC 4254, section 8).
var ccModes = map[uint8]int{
	ssh.VINTR: unix.VINTR, ssh.VQUIT: unix.VQUIT, ssh.VERASE: unix.VERASE, ssh.VKILL: unix.VKILL,
	ssh.VEOF: unix.VEOF, ssh.VEOL: unix.VEOL, ssh.VEOL2: unix.VEOL2, ssh.VSTART: unix.VSTART,
	ssh.VSTOP: unix.VSTOP, ssh.VSUSP: unix.VSUSP, ssh.VREPRINT: unix.VREPRINT,
	ssh.VWERASE: unix.VWERASE, ssh.VLNEXT: unix.VLNEXT, ssh.VDISCARD: unix.VDISCARD,
}

var lflagModes = map[uint8]uint32{
	ssh.ISIG: unix.ISIG, ssh.ICANON: unix.ICANON, ssh.ECHO: unix.ECHO, ssh.ECHOE: unix.ECHOE,
	ssh.ECHOK: unix.ECHOK, ssh.ECHONL: unix.ECHONL, ssh.IEXTEN: unix.IEXTEN, ssh.ECHOCTL: unix.ECHOCTL, ssh.ECHOKE: unix.ECHOKE,
}

var iflagModes = map[uint8]uint32{
	ssh.ICRNL: unix.ICRNL, ssh.INLCR: unix.INLCR, ssh.IGNCR: unix.IGNCR, ssh.IXON: unix.IXON,
	ssh.IXANY: unix.IXANY, ssh.IXOFF: unix.IXOFF, ssh.IUTF8: unix.IUTF8,
}

func setModes(tty *os.File, modes ssh.TerminalModes) {
	control(tty, func(fd int) {
		if tio, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			apply(tio, modes)
			_ = unix.IoctlSetTermios(fd, unix.TCSETS, tio)
		}
	})
}

// apply is what a terminal begins with, and then the client's modes.
func apply(tio *unix.Termios, modes ssh.TerminalModes) {
	tio.Iflag |= unix.IUTF8 | unix.ICRNL | unix.IXON
	tio.Oflag |= unix.OPOST | unix.ONLCR
	tio.Lflag |= unix.ISIG | unix.ICANON | unix.ECHO | unix.ECHOE | unix.ECHOK | unix.IEXTEN | unix.ECHOCTL | unix.ECHOKE
	for op, v := range modes {
		if i, ok := ccModes[op]; ok {
			if v == 255 { // "none" on the wire, 0 in Linux
				v = 0
			}
			tio.Cc[i] = uint8(v)
		}
		if mask, ok := lflagModes[op]; ok {
			tio.Lflag = tio.Lflag&^mask | mask*bit(v)
		}
		if mask, ok := iflagModes[op]; ok {
			tio.Iflag = tio.Iflag&^mask | mask*bit(v)
		}
	}
}

func settings(tty *os.File) (t termios) {
	control(tty, func(fd int) {
		if tio, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			t = termios(*tio)
		}
	})
	return t
}

func bit(v uint32) uint32 {
	if v != 0 {
		return 1
	}
	return 0
}

var errModes = errors.New("malformed terminal modes")

// parseModes reads the encoded modes of a pty-req.
func parseModes(s string) (ssh.TerminalModes, error) {
	modes := ssh.TerminalModes{}
	for len(s) > 0 && s[0] != 0 {
		if s[0] >= 160 {
			break // not defined: the list ends here
		}
		if len(s) < 5 {
			return nil, errModes
		}
		modes[s[0]] = uint32(s[1])<<24 | uint32(s[2])<<16 | uint32(s[3])<<8 | uint32(s[4])
		s = s[5:]
	}
	return modes, nil
}
