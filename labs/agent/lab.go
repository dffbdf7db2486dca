package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// askDesk is the command "lab" inside: it says what was typed at the desk, and
// prints what the host answers. It runs as whoever typed it, and is trusted with
// nothing.
func askDesk(args []string, out, errs io.Writer) int {
	var say tongue
	say.learn(locale(os.Getenv))
	fail := func(status int, why string) int {
		fmt.Fprintln(errs, "lab: "+why)
		return status
	}
	columns, tty := width(out)
	ask, err := json.Marshal(proto.Ask{
		Args: args, Columns: columns, Colour: tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", Language: say.locale(),
	})
	if err != nil || len(ask)+1 > proto.MaxAsk {
		return fail(2, say.T("That is too long."))
	}
	socket := proto.DeskSocket
	if s := os.Getenv("CMH_LAB_SOCKET"); s != "" {
		socket = s
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return fail(proto.Later, say.T("The hub isn't listening here right now. Please try again in a moment."))
	}
	defer conn.Close()
	if _, err := conn.Write(append(ask, '\n')); err != nil {
		return fail(proto.Later, say.T("The hub isn't listening here right now. Please try again in a moment."))
	}
	var reply proto.Reply
	if err := json.NewDecoder(io.LimitReader(conn, proto.MaxReply)).Decode(&reply); err != nil {
		return fail(proto.Later, say.T("The hub gave no answer. Please try again in a moment."))
	}
	_, _ = io.WriteString(out, reply.Out)
	_, _ = io.WriteString(errs, reply.Err)
	return reply.Status & 0xff
}

// width is how many columns the terminal has that out is, if it is one.
func width(out io.Writer) (columns int, tty bool) {
	f, ok := out.(*os.File)
	if !ok {
		return 0, false
	}
	control(f, func(fd int) {
		if w, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil {
			columns, tty = max(int(w.Col), 20), true
		}
	})
	return columns, tty
}
