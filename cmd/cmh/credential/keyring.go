package credential

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
)

const service = "cmh"

// keys is a keyring. get returns "" for a key that isn't there.
type keys interface {
	get(ctx context.Context, name string) (string, error)
	set(ctx context.Context, name, secret string) error
	remove(ctx context.Context, name string) error
}

// system is the keyring of the desktop session. Its daemon may ask the learner
// to unlock it, so it gets a while, but not for ever.
type system struct{}

const patience = 30 * time.Second

var errNoKeyring = errors.New("no keyring in this session")

func (system) get(ctx context.Context, name string) (string, error) {
	return within(ctx, func() (string, error) {
		s, err := keyring.Get(service, name)
		if errors.Is(err, keyring.ErrNotFound) {
			return "", nil
		}
		return s, err
	})
}

func (system) set(ctx context.Context, name, secret string) error {
	_, err := within(ctx, func() (string, error) { return "", keyring.Set(service, name, secret) })
	return err
}

func (system) remove(ctx context.Context, name string) error {
	_, err := within(ctx, func() (string, error) {
		err := keyring.Delete(service, name)
		if errors.Is(err, keyring.ErrNotFound) {
			err = nil
		}
		return "", err
	})
	return err
}

// within runs f, which can't be interrupted, and stops waiting when it takes
// too long. Where there is no session bus it isn't tried: looking for one would
// start one.
func within(ctx context.Context, f func() (string, error)) (string, error) {
	if runtime.GOOS != "darwin" && runtime.GOOS != "windows" && !haveBus() {
		return "", errNoKeyring
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type answer struct {
		s   string
		err error
	}
	done := make(chan answer, 1)
	go func() { // ends with the daemon's answer, or with the process
		s, err := f()
		done <- answer{s, err}
	}()
	select {
	case a := <-done:
		return a.s, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func haveBus() bool {
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	_, err := os.Stat(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus"))
	return os.Getenv("XDG_RUNTIME_DIR") != "" && err == nil
}
