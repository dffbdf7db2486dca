// Package credential keeps sign-ins on the learner's machine: in the system's
// keyring where there is one, else in a file that only its owner can read. One
// small index file says which server's sign-in is where, so that a guest never
// wakes the keyring up. It implements client.TokenStore.
package credential

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/lockfile"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
	"github.com/cloudmastershub/cmh/words"
)

// Store is the sign-in at one server.
type Store struct {
	dir, server string
	secret      string // what the keyring calls the sign-in
	insecure    bool
	keys        keys

	// Say tells the learner once, when a new sign-in goes into a file.
	Say func(format string, args ...any)
}

// Open returns the store of the sign-in at server, below the folder dir. secret
// makes of the server a name in the keyring, which all folders share. Without a
// folder nothing can be kept. Nothing is read or made yet.
func Open(dir, server string, secret func(server string) string) *Store {
	return &Store{dir: dir, server: server, secret: secret(server), keys: system{}, Say: func(string, ...any) {}}
}

// KeepInFile makes the next sign-in go to the file even where there is a
// keyring.
func (s *Store) KeepInFile() { s.insecure = true }

// index is the file. The sign-ins themselves are in it only where Storage says
// so.
type index map[string]entry

type entry struct {
	Storage string      `json:"storage"` // keyring or file
	Tokens  *hub.Tokens `json:"tokens,omitempty"`
}

const (
	inKeyring = "keyring"
	inFile    = "file"
)

func (s *Store) path() string { return filepath.Join(s.dir, "credentials.json") }

// Where says in words where the sign-in is kept; it is empty when there is none.
func (s *Store) Where() (string, error) {
	ix, err := s.read()
	if err != nil {
		return "", err
	}
	switch ix[s.server].Storage {
	case inKeyring:
		return words.Mark("the system's keyring"), nil
	case inFile:
		return s.path(), nil
	}
	return "", nil
}

// Load returns the tokens as they are now.
func (s *Store) Load(ctx context.Context) (hub.Tokens, error) {
	ix, err := s.read()
	if err != nil {
		return hub.Tokens{}, err
	}
	return s.tokens(ctx, ix[s.server])
}

func (s *Store) tokens(ctx context.Context, e entry) (hub.Tokens, error) {
	switch {
	case e.Storage == inFile && e.Tokens != nil:
		return *e.Tokens, nil
	case e.Storage != inKeyring:
		return hub.Tokens{}, nil
	}
	secret, err := s.keys.get(ctx, s.secret)
	if err != nil {
		return hub.Tokens{}, hub.Wrap(err, hub.Unavailable, "The keyring that holds your sign-in does not answer. Unlock it, or sign in again with: cmh auth login --insecure-storage")
	}
	var t hub.Tokens
	if secret == "" {
		return t, nil
	}
	ours := json.Unmarshal([]byte(secret), &t) == nil
	if !ours { // or from another age: signed out
		t = hub.Tokens{}
	}
	return t, nil
}

// Update replaces the tokens by what change makes of them. Other processes
// wait meanwhile.
func (s *Store) Update(ctx context.Context, change func(hub.Tokens) (hub.Tokens, error)) (hub.Tokens, error) {
	if s.dir == "" {
		return hub.Tokens{}, config.ErrNoHome
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return hub.Tokens{}, notKept(err)
	}
	unlock, err := lockfile.Lock(ctx, filepath.Join(s.dir, "credentials.lock"))
	if err != nil {
		return hub.Tokens{}, notKept(err)
	}
	defer unlock()
	ix, err := s.read()
	if err != nil {
		return hub.Tokens{}, err
	}
	now, err := s.tokens(ctx, ix[s.server])
	if err != nil {
		now = hub.Tokens{} // a new sign-in must be possible without the old one
	}
	// The new file is opened first: a refresh spends the old token, so a folder
	// that can't be written to has to be found before it, not after.
	w, err := newFile(s.path())
	if err != nil {
		return now, notKept(err)
	}
	defer w.discard()
	next, err := change(now)
	if err != nil || next == now {
		return now, err
	}
	if err := s.place(ctx, ix, next); err != nil {
		return now, err
	}
	if err := w.write(ix); err != nil {
		return now, notKept(err)
	}
	return next, nil
}

// place puts the tokens into the keyring or the index.
func (s *Store) place(ctx context.Context, ix index, t hub.Tokens) error {
	old, had := ix[s.server]
	if t == (hub.Tokens{}) {
		delete(ix, s.server)
		if old.Storage == inKeyring {
			return s.keys.remove(ctx, s.secret)
		}
		return nil
	}
	if !s.insecure && (!had || old.Storage == inKeyring) {
		b, err := json.Marshal(t)
		if err != nil {
			return err
		}
		err = s.keys.set(ctx, s.secret, string(b))
		if err == nil {
			ix[s.server] = entry{Storage: inKeyring}
			return nil
		}
		if had {
			return hub.Wrap(err, hub.Unavailable, "The keyring that holds your sign-in does not answer.")
		}
	}
	if !had {
		if s.insecure {
			s.Say("As you asked: your sign-in is kept in %s, which only you can read.", s.path())
		} else {
			s.Say("There is no keyring here: your sign-in is kept in %s, which only you can read.", s.path())
		}
	}
	ix[s.server] = entry{Storage: inFile, Tokens: &t}
	return nil
}

func (s *Store) read() (index, error) {
	ix := index{}
	if s.dir == "" {
		return ix, nil
	}
	b, err := lockfile.ReadFile(s.path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ix, nil
	case err != nil:
		return nil, hub.Wrap(err, hub.Unavailable, "Your sign-in can't be read.")
	}
	if err := json.Unmarshal(b, &ix); err != nil {
		return nil, hub.Wrap(err, hub.Invalid, "%s is damaged. Remove it and sign in again.", s.path())
	}
	return ix, nil
}

func notKept(err error) error {
	return hub.Wrap(err, hub.Unavailable, "Your sign-in can't be kept.")
}
