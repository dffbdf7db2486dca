package docker

import (
	"bufio"
	"crypto/ed25519"
	"encoding/binary"
	"io"
	"net"
)

// A line is a connection over the streams of a process that the engine started:
// what is written goes to it as it is, what it prints comes in frames.
type line struct {
	net.Conn
	r   *bufio.Reader
	key ed25519.PublicKey // of the agent that is meant

	head [8]byte // of a frame: its stream, three zeros, its length
	had  int     // how much of the head has come
	left uint32  // of the frame's content
	skip bool    // it is not of the standard output
}

// HostKey makes it labs.Proven: root inside may reach the streams of the process.
func (l *line) HostKey() ed25519.PublicKey { return l.key }

func (l *line) Read(p []byte) (int, error) {
	for {
		if l.left > 0 {
			n, err := l.r.Read(p[:min(len(p), int(l.left))])
			l.left -= uint32(n)
			if !l.skip || err != nil {
				return n, err
			}
			continue
		}
		if len(p) == 0 {
			return 0, nil
		}
		// A deadline may come in the middle of it.
		n, err := l.r.Read(l.head[l.had:])
		if l.had += n; err != nil {
			return 0, err
		}
		if l.had == len(l.head) {
			if l.head[0] > 3 || l.head[1] != 0 || l.head[2] != 0 || l.head[3] != 0 {
				return 0, io.ErrUnexpectedEOF
			}
			l.had, l.left, l.skip = 0, binary.BigEndian.Uint32(l.head[4:]), l.head[0] != 1
		}
	}
}
