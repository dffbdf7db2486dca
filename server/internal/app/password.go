package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/hashing"
)

const (
	passwordCost = 12 // about 200 ms of CPU
	hashQueue    = 10 // who waits longer than that many hashes is better told so at once
)

// passwords hashes and compares, a few at a time: each costs so much CPU that
// a burst of sign-ins would stop everything else.
type passwords struct {
	cost    int
	work    *hashing.Worker
	running *semaphore.Weighted
	waiting atomic.Int64
	dummy   []byte // compared for unknown users, so that they take as long
}

func newPasswords(cost int, work *hashing.Worker) (*passwords, error) {
	if cost == 0 {
		cost = passwordCost
	}
	dummy, err := work.Hash([]byte("nobody's password"), cost)
	return &passwords{cost: cost, work: work, running: semaphore.NewWeighted(int64(max(1, runtime.GOMAXPROCS(0)/2))), dummy: dummy}, err
}

// hash returns what is stored for a password.
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.running.Release(1)
	h, err := p.work.Hash(digest(password), p.cost)
	return string(h), err
}

// matches reports whether hash is of password. An empty hash never matches,
// and takes as long to say so.
func (p *passwords) matches(ctx context.Context, hash, password string) (bool, error) {
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.running.Release(1)
	known := []byte(hash)
	if hash == "" {
		known = p.dummy
	}
	ok, err := p.work.Matches(known, digest(password))
	return ok && hash != "", err
}

func (p *passwords) enter(ctx context.Context) error {
	if p.running.TryAcquire(1) {
		return nil
	}
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > hashQueue {
		return errCrowded
	}
	return p.running.Acquire(ctx, 1)
}

// crowded refuses whom enter would refuse now, before anything is asked about
// them.
func (p *passwords) crowded() error {
	if p.waiting.Load() >= hashQueue {
		return errCrowded
	}
	return nil
}

var errCrowded = &hub.Error{Code: hub.Unavailable, Message: "Too many people are signing in right now. Please try again in a moment.", RetryAfter: 2 * time.Second}

// digest makes any password fit for bcrypt, which reads 72 bytes at most and
// stops at a zero.
func digest(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return []byte(base64.StdEncoding.EncodeToString(sum[:]))
}
