package httpapi

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// counted counts the calls of Write below what gathers them.
type counted struct {
	net.Listener
	writes atomic.Int64
}

func (l *counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &countedConn{c, l}, err
}

type countedConn struct {
	net.Conn
	of *counted
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.of.writes.Add(1)
	return c.Conn.Write(p)
}

// An answer arrives whole whatever its size, on a connection that goes on, and
// right at the edges of net/http's buffer nothing stays behind.
func TestGatheredAnswersAreWhole(t *testing.T) {
	t.Parallel()
	tcp, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &counted{Listener: tcp}
	body := bytes.Repeat([]byte("0123456789abcdef"), 8<<10)
	srv := &http.Server{ConnContext: OnConn, Handler: headAsGet(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		w.Header().Set("Content-Length", strconv.Itoa(n))
		if g := connOf(r.Context()); g != nil {
			g.expect(n)
		}
		_, _ = w.Write(body[:n])
	}))}
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(Gather(l)) }) // until it is closed
	defer serving.Wait()
	defer srv.Close()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	ask := func(method string, n int) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://x/?n="+strconv.Itoa(n), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := req.Write(c); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, req)
		if err != nil {
			t.Fatalf("%s of %d bytes: %v", method, n, err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		want := body[:n]
		if method == http.MethodHead {
			want = nil
		}
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s of %d bytes: %d, %v", method, n, len(got), err)
		}
	}
	for _, n := range []int{0, 1, minAwait - 1, minAwait, 100_000, len(body)} {
		ask(http.MethodGet, n)
		ask(http.MethodHead, n)
	}
	for n := 3900; n <= 4110; n++ { // 4096 with headers is among them
		ask(http.MethodGet, n)
	}
	before := l.writes.Load()
	ask(http.MethodGet, minAwait+100)
	if n := l.writes.Load() - before; n != 1 {
		t.Errorf("what fits took %d writes", n)
	}
}
