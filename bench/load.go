package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A target is one kind of request to one server.
type target struct {
	name   string
	pid    int // of the server, for its CPU time
	addr   string
	status int // the answer to expect
	next   func(conn, n int) []byte
}

// A share is what one target did in one round.
type share struct {
	rate  float64 // requests a second
	cpu   float64 // microseconds of the server's CPU each
	waits []time.Duration
}

// press keeps conns requests in flight for a while. Because it runs on the same
// cores as the server, it is one thread that waits for all its connections at once,
// as pgbench and wrk are: goroutines and package net would cost several times that.
func press(ctx context.Context, t target, conns int, long time.Duration) (share, error) {
	p, err := newPresser(t, conns)
	if err != nil {
		return share{}, fmt.Errorf("connect: %w", err)
	}
	defer p.close()
	before, began := cpuTime(t.pid), time.Now()
	waits, err := p.ask(ctx, began.Add(long))
	if err != nil {
		return share{}, err
	}
	n := float64(len(waits))
	if n == 0 {
		return share{}, errors.New("no request was answered")
	}
	return share{
		rate:  n / time.Since(began).Seconds(),
		cpu:   float64((cpuTime(t.pid) - before).Microseconds()) / n,
		waits: waits,
	}, nil
}

// A presser is connections to one target, each with a request in flight.
type presser struct {
	target target
	epoll  int
	conns  []pressed
}

type pressed struct {
	fd    int
	made  int       // requests so far
	asked time.Time // when the last was
	in    []byte    // what came of its answer, if it isn't whole
}

// newPresser connects. The caller closes it.
func newPresser(t target, conns int) (*presser, error) {
	to, err := netip.ParseAddrPort(t.addr)
	if err != nil {
		return nil, err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	p := &presser{target: t, epoll: epoll}
	for i := range conns {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			p.conns = append(p.conns, pressed{fd: fd})
			err = errors.Join(
				unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}),
				unix.SetNonblock(fd, true),
				unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
				unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}))
		}
		if err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

func (p *presser) close() {
	for _, c := range p.conns {
		_ = unix.Close(c.fd)
	}
	_ = unix.Close(p.epoll)
}

// ask makes requests until then, and returns how long each took, when all are
// answered.
func (p *presser) ask(ctx context.Context, until time.Time) (waits []time.Duration, err error) {
	open := 0
	for i := range p.conns {
		if err := p.next(i); err != nil {
			return nil, err
		}
		open++
	}
	buf := make([]byte, 64<<10)
	ready := make([]unix.EpollEvent, len(p.conns))
	for open > 0 {
		n, err := unix.EpollWait(p.epoll, ready, 100)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if time.Since(until) > patience {
			return nil, fmt.Errorf("%d requests aren't answered", open)
		}
		for _, e := range ready[:max(0, n)] {
			whole, err := p.read(int(e.Fd), buf)
			if err != nil {
				return nil, err
			}
			if !whole {
				continue
			}
			now := time.Now()
			waits = append(waits, now.Sub(p.conns[e.Fd].asked))
			if now.After(until) {
				open--
			} else if err := p.next(int(e.Fd)); err != nil {
				return nil, err
			}
		}
	}
	return waits, nil
}

// next makes a request on connection i.
func (p *presser) next(i int) error {
	c := &p.conns[i]
	req := p.target.next(i, c.made)
	c.made++
	c.asked = time.Now()
	n, err := unix.Write(c.fd, req)
	if err == nil && n < len(req) {
		err = io.ErrShortWrite
	}
	return err
}

// read takes what has come on connection i, and reports whether the answer is
// whole.
func (p *presser) read(i int, buf []byte) (whole bool, err error) {
	c := &p.conns[i]
	n, err := unix.Read(c.fd, buf)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if n == 0 {
		return false, io.ErrUnexpectedEOF
	}
	got := buf[:n]
	if len(c.in) > 0 {
		c.in = append(c.in, got...)
		got = c.in
	}
	status, size := measure(got)
	switch {
	case size < 0 || len(got) < size:
		if len(c.in) == 0 {
			c.in = append(c.in, got...)
		}
		return false, nil
	case status != p.target.status || len(got) > size:
		return false, fmt.Errorf("answered %d, in %d bytes instead of %d", status, len(got), size)
	}
	c.in = c.in[:0]
	return true, nil
}

// measure returns the status of an answer, and how long all of it is; -1 while its
// head isn't there.
func measure(b []byte) (status, size int) {
	head, _, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok || len(head) < len("HTTP/1.1 200") {
		return 0, -1
	}
	size = len(head) + len("\r\n\r\n")
	status, _ = strconv.Atoi(string(head[9:12]))
	if _, rest, ok := bytes.Cut(head, []byte("\r\nContent-Length: ")); ok && status != 304 && status != 204 { // as net/http spells it
		digits, _, _ := bytes.Cut(rest, []byte("\r"))
		length, _ := strconv.Atoi(string(digits))
		size += length
	}
	return status, size
}

// response reads one HTTP/1.1 response, whose length it must state, and drops
// its body.
func response(in *bufio.Reader) (status int, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, fmt.Errorf("not HTTP: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		const name = "Content-Length:"
		if len(line) > len(name) && line[0]|0x20 == 'c' && line[len(name)-1] == ':' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return 0, err
			}
		}
	}
	if status == 304 || status == 204 {
		return status, nil
	}
	if length < 0 {
		return 0, errors.New("the response doesn't say how long it is")
	}
	_, err = io.CopyN(io.Discard, in, int64(length))
	return status, err
}

// cpuTime is what a process has used so far, all its threads together.
func cpuTime(pid int) time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * (time.Second / 100) // USER_HZ
}
