package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
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

// press keeps conns requests in flight for a while. It does little itself,
// because it runs on the same cores as the server.
func press(ctx context.Context, t target, conns int, long time.Duration) (share, error) {
	ctx, cancel := context.WithTimeout(ctx, long+patience)
	defer cancel()
	var (
		mu   sync.Mutex
		all  share
		errs error
		wg   sync.WaitGroup
	)
	before, began := cpuTime(t.pid), time.Now()
	until := began.Add(long)
	for conn := range conns {
		wg.Go(func() {
			waits, err := requests(ctx, t, conn, until)
			mu.Lock()
			defer mu.Unlock()
			all.waits = append(all.waits, waits...)
			if err != nil && errs == nil {
				errs = err
			}
		})
	}
	wg.Wait()
	if errs != nil {
		return share{}, errs
	}
	n := float64(len(all.waits))
	if n == 0 {
		return share{}, errors.New("no request was answered")
	}
	all.rate = n / time.Since(began).Seconds()
	all.cpu = float64((cpuTime(t.pid) - before).Microseconds()) / n
	return all, nil
}

// requests sends one request after the other on one connection.
func requests(ctx context.Context, t target, conn int, until time.Time) ([]time.Duration, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	in := bufio.NewReaderSize(c, 16<<10)
	var waits []time.Duration
	for n := 0; ; n++ {
		began := time.Now()
		if began.After(until) {
			return waits, nil
		}
		if _, err := c.Write(t.next(conn, n)); err != nil {
			return nil, err
		}
		status, err := response(in)
		if err != nil {
			return nil, err
		}
		if status != t.status {
			return nil, fmt.Errorf("%s answered %d", t.name, status)
		}
		waits = append(waits, time.Since(began))
	}
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
