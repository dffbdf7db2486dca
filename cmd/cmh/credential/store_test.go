package credential

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

var _ client.TokenStore = (*Store)(nil)

const at = "https://hub.example.com"

func same(server string) string { return server }

// ring is a keyring in memory; a nil one is none.
type ring struct {
	mu sync.Mutex
	m  map[string]string
}

func (r *ring) get(_ context.Context, name string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil {
		return "", errNoKeyring
	}
	return r.m[name], nil
}

func (r *ring) set(_ context.Context, name, secret string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil {
		return errNoKeyring
	}
	r.m[name] = secret
	return nil
}

func (r *ring) remove(_ context.Context, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.m, name)
	return nil
}

func open(t *testing.T, r *ring) (*Store, *[]string) {
	t.Helper()
	s := Open(filepath.Join(t.TempDir(), "cmh"), at, same)
	s.keys = r
	var said []string
	s.Say = func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	return s, &said
}

func put(t *testing.T, s *Store, tokens hub.Tokens) {
	t.Helper()
	if _, err := s.Update(t.Context(), func(hub.Tokens) (hub.Tokens, error) { return tokens, nil }); err != nil {
		t.Fatal(err)
	}
}

func TestWithoutKeyringItIsAFileOnlyTheOwnerReads(t *testing.T) {
	t.Parallel()
	s, said := open(t, &ring{})
	put(t, s, hub.Tokens{AccessToken: "a", RefreshToken: "r1"})
	put(t, s, hub.Tokens{AccessToken: "b", RefreshToken: "r2"})
	if len(*said) != 1 || !strings.Contains((*said)[0], s.path()) {
		t.Errorf("said %q, want the path, once", *said)
	}
	for path, want := range map[string]os.FileMode{s.path(): 0o600, s.dir: 0o700} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	if got, err := Open(s.dir, at, same).Load(t.Context()); err != nil || got.RefreshToken != "r2" {
		t.Errorf("another process reads %+v, %v", got, err)
	}
	if got, _ := Open(s.dir, "https://other.example.com", same).Load(t.Context()); got != (hub.Tokens{}) {
		t.Errorf("another server gets %+v", got)
	}
	put(t, s, hub.Tokens{})
	if b, _ := os.ReadFile(s.path()); strings.Contains(string(b), "r2") {
		t.Errorf("after signing out the file holds %s", b)
	}
}

func TestKeyring(t *testing.T) {
	t.Parallel()
	r := &ring{m: map[string]string{}}
	s, said := open(t, r)
	put(t, s, hub.Tokens{AccessToken: "secret", RefreshToken: "hidden"})
	b, err := os.ReadFile(s.path())
	if err != nil || strings.Contains(string(b), "secret") || strings.Contains(string(b), "hidden") {
		t.Errorf("the file holds %s, %v", b, err)
	}
	if got, err := s.Load(t.Context()); err != nil || got.AccessToken != "secret" || len(*said) != 0 {
		t.Errorf("got %+v, %v, said %q", got, err, *said)
	}
	if where, _ := s.Where(); where != "the system's keyring" {
		t.Errorf("it is in %q", where)
	}
	put(t, s, hub.Tokens{})
	if len(r.m) != 0 {
		t.Errorf("after signing out the keyring holds %q", r.m)
	}
}

// Folders are apart, and the keyring is one.
func TestTwoFoldersInOneKeyring(t *testing.T) {
	t.Parallel()
	r := &ring{m: map[string]string{}}
	one, _ := open(t, r)
	two := Open(filepath.Join(t.TempDir(), "work"), at, func(server string) string { return "work " + server })
	two.keys = r
	put(t, one, hub.Tokens{AccessToken: "one"})
	put(t, two, hub.Tokens{AccessToken: "two"})
	put(t, one, hub.Tokens{})
	if got, err := two.Load(t.Context()); err != nil || got.AccessToken != "two" || len(r.m) != 1 {
		t.Errorf("got %+v, %v, keyring %q", got, err, r.m)
	}
}

func TestKeepInFileThoughThereIsAKeyring(t *testing.T) {
	t.Parallel()
	r := &ring{m: map[string]string{}}
	s, said := open(t, r)
	s.KeepInFile()
	put(t, s, hub.Tokens{AccessToken: "a"})
	if where, _ := s.Where(); where != s.path() || len(r.m) != 0 || len(*said) != 1 {
		t.Errorf("it is in %q, keyring %q, said %q", where, r.m, *said)
	}
}

func TestAGuestLeavesNoTrace(t *testing.T) {
	t.Parallel()
	s, _ := open(t, &ring{})
	if got, err := s.Load(t.Context()); err != nil || got != (hub.Tokens{}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("the folder: %v", err)
	}
}

// A refresh spends the old token at the server, so it must not happen when the
// new one can't be kept.
func TestNothingIsSpentThatCannotBeKept(t *testing.T) {
	t.Parallel()
	s, _ := open(t, &ring{})
	if err := os.WriteFile(s.dir, nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	_, err := s.Update(t.Context(), func(hub.Tokens) (hub.Tokens, error) {
		t.Error("the token was spent")
		return hub.Tokens{}, nil
	})
	if hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestAFailedChangeChangesNothing(t *testing.T) {
	t.Parallel()
	s, _ := open(t, &ring{})
	put(t, s, hub.Tokens{RefreshToken: "r1"})
	boom := errors.New("boom")
	if _, err := s.Update(t.Context(), func(hub.Tokens) (hub.Tokens, error) { return hub.Tokens{RefreshToken: "r2"}, boom }); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	if got, _ := s.Load(t.Context()); got.RefreshToken != "r1" {
		t.Errorf("got %+v", got)
	}
	files, _ := os.ReadDir(s.dir)
	if len(files) != 2 { // the file and the lock
		t.Errorf("left behind: %v", files)
	}
}

// Each of many processes trades the token it finds for the next one. None may
// see a token that another one has spent already.
func TestManyAtOnceSpendEachTokenOnce(t *testing.T) {
	t.Parallel()
	s, _ := open(t, &ring{})
	put(t, s, hub.Tokens{RefreshToken: "r"})
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		spent = map[string]bool{}
	)
	for range 20 {
		all.Go(func() {
			other := Open(s.dir, at, same)
			other.keys = &ring{}
			_, err := other.Update(t.Context(), func(now hub.Tokens) (hub.Tokens, error) {
				mu.Lock()
				defer mu.Unlock()
				if spent[now.RefreshToken] {
					t.Errorf("%q was spent twice", now.RefreshToken)
				}
				spent[now.RefreshToken] = true
				return hub.Tokens{RefreshToken: now.RefreshToken + "x"}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, _ := s.Load(t.Context()); got.RefreshToken != "r"+strings.Repeat("x", 20) {
		t.Errorf("got %q", got.RefreshToken)
	}
}
