package httpapi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A byte ahead is read only when an answer takes its time; and whoever takes that
// read back is heard before, after, and just when it begins.
func TestReadsAheadLater(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{-1, 0, hush - 1, hush, hush + 1, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer theirs.Close()
			g := &gathered{Conn: ours}
			defer g.Close()
			for range 3 { // nothing is left of the time before
				taken := make(chan error)
				back := func() {
					if err := g.SetReadDeadline(time.Unix(1, 0)); err != nil {
						t.Error(err)
					}
				}
				if after < 0 {
					back()
				}
				go func() {
					_, err := g.Read(make([]byte, ahead))
					taken <- err
				}()
				if after >= 0 {
					time.Sleep(after)
					back()
				}
				if err := <-taken; !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("after %v: %v", after, err)
				}
				if err := g.SetReadDeadline(time.Time{}); err != nil {
					t.Fatal(err)
				}
				go func() { _, _ = theirs.Write([]byte("next")) }()
				var next [4]byte
				if _, err := io.ReadFull(g, next[:]); err != nil || string(next[:]) != "next" {
					t.Fatalf("after %v: %q, %v", after, next, err)
				}
			}
		})
	}
}

// Who hangs up while they are answered is noticed all the same, and who asks before
// they are answered gets both answers.
func TestHeardWhileAnswered(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	srv := &http.Server{ConnContext: OnConn, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-r.Context().Done()
			close(gone)
			return
		}
		_, _ = io.WriteString(w, r.URL.Path)
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(Gather(l)) })
	defer serving.Wait()
	defer srv.Close()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for _, want := range []string{"/one", "/two"} {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if string(got) != want || err != nil {
			t.Fatalf("%q, %v; not %q", got, err, want)
		}
	}
	if _, err := io.WriteString(conn, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case <-gone:
	case <-ctx.Done():
		t.Fatal("nobody noticed")
	}
}
