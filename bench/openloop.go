package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// A crowd is many people who each have a connection and ask now and then,
// however long the answers take: an open loop. Waits count from when a request
// was due, so that a server that stalls can't hide it.
type crowd struct {
	conns []net.Conn
	in    []*bufio.Reader
}

// gatherCrowd connects, a few at a time, and makes one request on each: a server
// closes what stays silent.
func gatherCrowd(ctx context.Context, addr string, n int, first func(conn, n int) []byte) (*crowd, error) {
	c := &crowd{conns: make([]net.Conn, n), in: make([]*bufio.Reader, n)}
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	next := make(chan int)
	for range cap(errs) {
		wg.Go(func() {
			for i := range next {
				conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
				if err == nil {
					c.conns[i], c.in[i] = conn, bufio.NewReaderSize(conn, 1<<10)
					if _, err = conn.Write(first(i, 0)); err == nil {
						_, err = response(c.in[i])
					}
				}
				if err != nil {
					select {
					case errs <- err:
					default:
					}
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	select {
	case err := <-errs:
		c.leave()
		return nil, fmt.Errorf("connect %d times: %w", n, err)
	default:
		return c, nil
	}
}

func (c *crowd) leave() {
	for _, conn := range c.conns {
		if conn != nil {
			_ = conn.Close()
		}
	}
}

// asked is what became of a crowd's requests.
type asked struct {
	waits  []time.Duration
	status map[int]int
	late   map[int][]time.Duration // waits by status
	last   map[int]time.Duration   // when the last was answered, by status, since the first was due
	failed int
}

// ask makes rate requests a second for a while, the people taking turns.
func (c *crowd) ask(ctx context.Context, rate int, long time.Duration, next func(conn, n int) []byte) (asked, error) {
	all := asked{status: map[int]int{}, late: map[int][]time.Duration{}, last: map[int]time.Duration{}}
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	pause := time.Second / time.Duration(rate)
	each := pause * time.Duration(len(c.conns))
	began := time.Now().Add(100 * time.Millisecond)
	until := began.Add(long)
	for i, conn := range c.conns {
		wg.Go(func() {
			timer := time.NewTimer(0)
			defer timer.Stop()
			for n, due := 0, began.Add(time.Duration(i)*pause); due.Before(until); n, due = n+1, due.Add(each) {
				<-timer.C
				if wait := time.Until(due); wait > 0 {
					timer.Reset(wait)
					<-timer.C
				}
				timer.Reset(0)
				_ = conn.SetDeadline(due.Add(patience))
				_, err := conn.Write(next(i, n))
				status := 0
				if err == nil {
					status, err = response(c.in[i])
				}
				took := time.Since(due)
				mu.Lock()
				if err != nil {
					all.failed++
				} else {
					all.status[status]++
					all.waits = append(all.waits, took)
					all.late[status] = append(all.late[status], took)
					all.last[status] = max(all.last[status], time.Since(began))
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	if len(all.waits) == 0 {
		return all, errors.Join(ctx.Err(), errors.New("nothing was answered"))
	}
	return all, ctx.Err()
}
