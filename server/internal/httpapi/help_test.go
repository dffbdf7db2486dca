package httpapi_test

import (
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"
)

// eventually waits for something that another server has to hear of.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !is(); <-tick.C {
		if time.Since(began) > 3*time.Minute {
			t.Fatalf("three minutes later it isn't so: %s", what)
		}
	}
}

// lockedLog logs everything to w, which is read when nobody writes any more.
func lockedLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(&locked{w: w}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
