package httpapi_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// hot are the requests that a hub gets most, which should be answered out of
// memory, and how many allocations each may take: net/http makes 17 itself.
var hot = []struct {
	name, path string
	signedIn   bool
	status     int
	allocs     float64
}{
	{"catalogue", "/v1/courses", false, 200, 24},
	{"unchanged", "/v1/courses", false, 304, 24},
	{"course", "/v1/courses/a-course", false, 200, 25},
	{"signed-in", "/v1/courses", true, 200, 30},
	{"profile", "/v1/users/profile", true, 200, 30},
}

// BenchmarkAnswers asks over a connection that stays, as the server serves it.
func BenchmarkAnswers(b *testing.B) {
	api, token := hotAPI(b)
	for _, h := range hot {
		b.Run(h.name, func(b *testing.B) {
			ask := asker(b, api.Direct(b), h.path, token, h.signedIn, h.status)
			b.ReportAllocs()
			for b.Loop() {
				ask()
			}
		})
	}
}

// What is asked all the time allocates little. Others run beside, so the least of
// a few tries counts.
//
//nolint:paralleltest // whatever else allocates is counted, too
func TestHotAnswersAllocateLittle(t *testing.T) {
	api, token := hotAPI(t)
	for _, h := range hot {
		ask := asker(t, api.Direct(t), h.path, token, h.signedIn, h.status)
		least := testing.AllocsPerRun(50, ask)
		for range 5 {
			least = min(least, testing.AllocsPerRun(50, ask))
		}
		t.Logf("%s: %.0f allocations", h.name, least)
		if least > h.allocs {
			t.Errorf("%s: %.0f allocations, want at most %.0f", h.name, least, h.allocs)
		}
	}
}

func hotAPI(t testing.TB) (*apitest.API, string) {
	t.Helper()
	api := apitest.New(t, func(a *app.App) { a.Limits = app.Limits{Guest: 1e9, Free: 1e9, SignIn: 1e9} })
	api.Watch(t)
	newAuthor(t, api, hub.Instructor).publish(t, "a-course")
	return api, api.Token(t, api.User(t, hub.Free))
}

// asker makes a request on one connection each time it is called, and allocates
// nothing for it.
func asker(t testing.TB, addr, path, token string, signedIn bool, status int) func() {
	t.Helper()
	u, err := url.Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	in := bufio.NewReader(c)
	var tag []byte
	req := []byte(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: gzip\r\n", path, u.Host))
	if signedIn {
		req = append(req, "Authorization: Bearer "+token+"\r\n"...)
	}
	once := func(req []byte, want int) {
		if _, err := c.Write(req); err != nil {
			t.Fatal(err)
		}
		got, length := 0, 0
		for n := 0; ; n++ {
			line, err := in.ReadSlice('\n')
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				got, _ = strconv.Atoi(string(line[9:12]))
			}
			if rest, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(rest)))
			}
			if rest, ok := bytes.CutPrefix(line, []byte("Etag: ")); ok && tag == nil {
				tag = bytes.Clone(bytes.TrimSpace(rest))
			}
			if len(line) == 2 {
				break
			}
		}
		if got != want {
			t.Fatalf("%s: %d, want %d", path, got, want)
		}
		if _, err := in.Discard(length); err != nil && err != io.EOF {
			t.Fatal(err)
		}
	}
	once(append(bytes.Clone(req), "\r\n"...), 200)
	if status == 304 {
		req = fmt.Appendf(req, "If-None-Match: %s\r\n", tag)
	}
	req = append(req, "\r\n"...)
	once(req, status)
	return func() { once(req, status) }
}
