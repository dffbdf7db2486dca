// Package porttest finds ports for programs that a test tells where to listen.
//
// One that the kernel gave to a test's own listener will not do: once that is
// closed, and before the program listens, the kernel gives it to whoever asks
// for any, and on a machine that runs many tests somebody does. These are below
// all that it gives.
package porttest

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

// lowest is above what services of a machine have by custom.
const lowest = 10_000

// Free returns one that nobody listens at on 127.0.0.1.
func Free(t testing.TB) string {
	t.Helper()
	below := 32_768 // Linux's own first
	if raw, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		first, _, _ := strings.Cut(string(raw), "\t")
		if n, err := strconv.Atoi(first); err == nil && n > lowest+1000 {
			below = n
		}
	}
	for range 1000 {
		port := strconv.Itoa(lowest + rand.IntN(below-lowest))
		l, err := new(net.ListenConfig).Listen(context.WithoutCancel(t.Context()), "tcp", net.JoinHostPort("127.0.0.1", port))
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("there is no free port")
	return ""
}
