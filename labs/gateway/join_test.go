package gateway_test

import (
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

// Whoever joins counts as their account from that moment on, with all connections
// of their key. None of these ends for that, also where the account has as many as
// it may: the next one is refused.
func TestWhoJoinsCountsAsTheirAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{PerUser: 2})
	key := signer(t)
	here, there := w.client("x", key), w.client("x", key)
	for _, c := range []*gossh.Client{here, there} {
		if r := run(t, c, "hello"); r.status != 9 {
			t.Fatalf("a stranger: %+v", r)
		}
	}
	if r := run(t, w.client(bobs, w.bob), "true"); r.status != 0 {
		t.Fatalf("the account that they join: %+v", r)
	}
	if r := run(t, here, "join"); r.out != "joined\n" {
		t.Fatalf("joining: %+v", r)
	}
	full := func() bool {
		c, err := w.dial(bobs, w.bob)
		if err != nil { // the last one hasn't left yet
			return true
		}
		defer c.Close()
		r := run(t, c, "true")
		if r.status != 0 && (r.status != 75 || !strings.Contains(r.err, "too many connections open")) {
			t.Fatalf("the account's next connection: %+v", r)
		}
		return r.status != 0
	}
	if !full() {
		t.Error("an account has a fourth connection, of two")
	}
	for _, c := range []*gossh.Client{here, there} {
		if r := run(t, c, "hello"); r.status != 9 {
			t.Errorf("after joining: %+v", r)
		}
	}
	here.Close()
	there.Close()
	until(t, "the account has room again", func() bool { return !full() })
}

// The same by another way, such as the API: the gateway looks now and then.
func TestWhoJoinsElsewhereCountsAsTheirAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{PerUser: 2, KeepAlive: 50 * time.Millisecond})
	key := signer(t)
	for range 2 {
		if r := run(t, w.client("x", key), "hello"); r.status != 9 {
			t.Fatalf("a stranger: %+v", r)
		}
	}
	fingerprint := gossh.FingerprintSHA256(key.PublicKey())
	w.joined.Store(&fingerprint)
	until(t, "the account is full", func() bool {
		c, err := w.dial(bobs, w.bob)
		if err != nil {
			return false
		}
		defer c.Close()
		return run(t, c, "true").status == 75
	})
}
