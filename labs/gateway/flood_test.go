package gateway_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/gateway"
)

// One key had two hundred connections open at once, because connections were
// counted when they opened something, and these opened nothing.
func TestConnectionsOfOneKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{})
	var first *gossh.Client
	for i := range 20 {
		if c := w.client("x", w.alice); i == 0 {
			first = c
		}
	}
	for range 5 {
		if _, err := w.dial("x", w.alice); err == nil {
			t.Error("the 21st connection of one key")
		}
	}
	// The stock client is told why, and isn't let in as a guest instead.
	if r := w.openssh(nil, "ssh", "-v", "root@HOST", "x"); r.status != 255 || r.out != "" || !strings.Contains(r.err, "too many connections open") {
		t.Errorf("OpenSSH: %+v", r)
	}
	if r := run(t, w.client(bobs, w.bob), "true"); r.status != 0 {
		t.Errorf("somebody else: %+v", r)
	}
	first.Close()
	until(t, "a place is free again", func() bool { _, err := w.dial("x", w.alice); return err == nil })

	// Guests of one address count together; a certificate's account does too.
	for range 20 {
		w.client("x")
	}
	if _, err := w.dial("x"); err == nil {
		t.Error("the 21st guest of one address")
	}
	for range 20 {
		w.client(alices, w.certificate(t, signer(t), func(*gossh.Certificate) {}))
	}
	if _, err := w.dial(alices, w.certificate(t, signer(t), func(*gossh.Certificate) {})); err == nil {
		t.Error("the 21st connection with certificates of one account")
	}
}

// Who was told so often enough is hung up on.
func TestToldOftenEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{PerUser: 1, GuestsPerMinute: 3})
	w.client("x", w.alice)
	told := 0
	for range 8 {
		_, err := w.dial("x", w.alice)
		if err == nil {
			t.Error("the second connection of one key")
		} else if strings.Contains(err.Error(), "unable to authenticate") {
			told++
		}
	}
	if told < 3 || told > 4 { // one more is saved up while a machine is slow
		t.Errorf("told %d times of 8", told)
	}
}

// Who is at the door with one bad key after the other waits for the answer,
// longer each time, and then gets none; whoever else comes from there does. All
// of it is in the log, also what proved a key and then did nothing.
func TestBadKeysWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gateway.Limits{GuestsPerMinute: 1, ConnectionIdleTime: 10 * time.Second})
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := gossh.NewSignerFromKey(k)
	if err != nil {
		t.Fatal(err)
	}
	answered := 0
	for range 5 {
		_, err := w.dial("x", weak)
		if err == nil {
			t.Fatal("rsa-1024 was let in")
		}
		if strings.Contains(err.Error(), "unable to authenticate") {
			answered++
		}
	}
	if answered != 1 {
		t.Errorf("%d of 5 were answered", answered)
	}
	if r := run(t, w.client(alices, w.alice), "true"); r.status != 0 {
		t.Errorf("a learner at the same address: %+v", r)
	}
	idle := w.client("x", signer(t))
	_ = idle.Wait()
	log := w.log.String()
	if n := strings.Count(log, `msg="ssh handshake failed" source=127.0.0.1`); n != 5 {
		t.Errorf("%d of 5 are in the log", n)
	}
	if !strings.Contains(log, "it opened nothing") {
		t.Error("nothing is said of a stranger who did nothing")
	}
}

// A thousand sockets that say nothing, or only which program they claim to be,
// are closed within the time of a handshake, and a learner comes in meanwhile.
func TestThousandSilentSockets(t *testing.T) {
	w := newWorld(t, gateway.Limits{})
	var closed atomic.Int32
	for i := range 1000 {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", w.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			_, _ = io.WriteString(c, "SSH-2.0-silent\r\n")
		}
		go func() {
			_, _ = io.Copy(io.Discard, c)
			closed.Add(1)
		}()
	}
	// All have come in, so that the learner is the newest.
	until(t, "the oldest have made room", func() bool { return closed.Load() >= 900 })
	if r := run(t, w.client(alices, w.alice), "echo in"); r.out != "in\n" {
		t.Errorf("a learner meanwhile: %+v", r)
	}
	until(t, "no silent connection is left open", func() bool { return closed.Load() == 1000 })
}

// All that one account can have at once, with both ends in this process, is
// nothing to speak of; what goes beyond is turned away at once.
func TestFloodsCostLittle(t *testing.T) {
	w := newWorld(t, gateway.Limits{})
	used := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapInuse + m.StackInuse)
	}
	before := used()
	held, turnedAway := 0, 0
	for range 40 {
		c, err := w.dial("lab", w.alice)
		if err != nil {
			turnedAway++
			continue
		}
		for range 50 {
			s, err := c.NewSession()
			if err != nil {
				turnedAway++
				continue
			}
			if err := s.Start("wait"); err != nil {
				t.Fatal(err)
			}
			held++
		}
	}
	if held != 200 || turnedAway != 20+20*40 {
		t.Errorf("%d sessions are held, %d were turned away", held, turnedAway)
	}
	if more := used() - before; more > 64<<20 {
		t.Errorf("%d MiB", more>>20)
	}
}

// Five hundred logins, each with a command, leave no goroutine behind.
func TestFiveHundredLogins(t *testing.T) {
	w := newWorld(t, gateway.Limits{})
	login := func(i int) {
		t.Helper()
		c := w.client([]string{alices, "x"}[i%2], w.alice)
		if r := run(t, c, "true"); r.status == -1 {
			t.Fatalf("login %d: %+v", i, r)
		}
		c.Close()
	}
	for i := range 4 { // what stays: the line to the agent
		login(i)
	}
	settled := func() int {
		n, same := runtime.NumGoroutine(), 0
		until(t, "the number of goroutines rests", func() bool {
			now := runtime.NumGoroutine()
			if same++; now != n {
				n, same = now, 0
			}
			return same == 40
		})
		return n
	}
	before := settled()
	for i := range 500 {
		login(i)
	}
	until(t, fmt.Sprintf("there are about %d goroutines again", before), func() bool { return runtime.NumGoroutine() <= before+5 })
}
