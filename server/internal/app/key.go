package app

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	maxKeys    = 50
	maxKeySize = 16 << 10
	minRSABits = 3072
)

// Keys lists the actor's SSH keys, oldest first.
func (a Actor) Keys(ctx context.Context) (keys []hub.Key, err error) {
	if err := a.signedIn(); err != nil {
		return nil, err
	}
	err = a.app.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		keys, err = tx.Keys(ctx, a.user.ID)
		return err
	})
	return keys, err
}

// AddKey adds an SSH key.
func (a Actor) AddKey(ctx context.Context, n hub.NewKey) (key hub.Key, err error) {
	if err := a.signedIn(); err != nil {
		return hub.Key{}, err
	}
	pub, k, err := readKey(n)
	if err != nil {
		return hub.Key{}, err
	}
	err = a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		key, err = a.app.addKey(ctx, tx, a.user.ID, pub, k)
		return err
	})
	return key, err
}

// addKey adds a key to an account, and tells its owner.
func (a *App) addKey(ctx context.Context, tx postgres.Tx, user string, pub ssh.PublicKey, k hub.Key) (key hub.Key, err error) {
	have, err := tx.Keys(ctx, user)
	if err != nil {
		return key, err
	}
	if len(have) >= maxKeys {
		return key, hub.Errorf(hub.Limit, "You have %d keys. Remove one before you add another.", len(have))
	}
	if key, err = tx.AddKey(ctx, user, k, string(ssh.MarshalAuthorizedKey(pub))); err != nil {
		return key, err
	}
	if err := tx.Audit(ctx, user, user, "account.key_added", nil); err != nil { // the key would name its owner
		return key, err
	}
	if err := a.mail(ctx, tx, "key_added", user); err != nil {
		return key, err
	}
	return key, tx.Event(ctx, user, "account.key_added", map[string]string{"fingerprint": key.Fingerprint})
}

// RemoveKey removes the key with that id, fingerprint or name.
func (a Actor) RemoveKey(ctx context.Context, ref string) error {
	if err := a.signedIn(); err != nil {
		return err
	}
	return a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		n, err := tx.RemoveKey(ctx, a.user.ID, ref)
		switch {
		case err != nil:
			return err
		case n == 0:
			return hub.Errorf(hub.NotFound, "There is no such key.")
		case n > 1: // and the transaction takes it back
			return hub.Errorf(hub.Conflict, "%d keys have that name. Name the one by its fingerprint.", n)
		}
		if err := tx.Audit(ctx, a.user.ID, a.user.ID, "account.key_removed", nil); err != nil {
			return err
		}
		return tx.Event(ctx, a.user.ID, "account.key_removed", map[string]string{"key": ref})
	})
}

// UserByKey returns whom a key with this fingerprint (SHA256:...) signs in, for
// a door that has seen the key proven. An unknown key is NotFound.
func (a *App) UserByKey(ctx context.Context, fingerprint string) (u hub.User, err error) {
	err = a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		u, err = tx.UserByKey(ctx, fingerprint, a.now())
		return err
	})
	return u, err
}

// UserByID returns the account with that id, for a door that has proven whose
// request it is by other means.
func (a *App) UserByID(ctx context.Context, id string) (u hub.User, err error) {
	err = a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		u, err = tx.ActiveUser(ctx, id)
		return err
	})
	return u, err
}

// UsersNow returns what is left of visits that UserByID and UserByKey have begun: by
// id and by fingerprint, the id and the role of each account that is there still.
func (a *App) UsersNow(ctx context.Context, ids, fingerprints []string) (now map[string]hub.User, err error) {
	err = a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		now, err = tx.UsersNow(ctx, ids, fingerprints)
		return err
	})
	return now, err
}

// UserCA returns the key that signs SSH certificates of learners, which every
// replica shares.
func (a *App) UserCA(ctx context.Context) (ssh.Signer, error) {
	seed, err := a.secret(ctx, "ssh-user-ca-ed25519", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed))
}

func readKey(n hub.NewKey) (ssh.PublicKey, hub.Key, error) {
	var w wrongs
	if len(n.PublicKey) > maxKeySize {
		w.add("/public_key", "This is too long for a key.")
		return nil, hub.Key{}, w.err()
	}
	text := strings.TrimSpace(n.PublicKey)
	if strings.Contains(text, "PRIVATE KEY") {
		w.add("/public_key", "This is a private key. Never send it anywhere; send the .pub file beside it.")
		return nil, hub.Key{}, w.err()
	}
	pub, comment, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(options) > 0 || len(strings.TrimSpace(string(rest))) > 0 {
		w.add("/public_key", "This is not one public key as in authorized_keys, such as: ssh-ed25519 AAAA... you@laptop.")
		return nil, hub.Key{}, w.err()
	}
	if why := weak(pub); why.String() != "" {
		w.add("/public_key", "%s", why)
		return nil, hub.Key{}, w.err()
	}
	k := hub.Key{Name: strings.TrimSpace(n.Name), Type: pub.Type(), Fingerprint: ssh.FingerprintSHA256(pub)}
	if k.Name == "" && oneLine(comment) && utf8.RuneCountInString(comment) <= 100 {
		k.Name = comment
	}
	if k.Name == "" {
		k.Name = k.Fingerprint
	}
	if utf8.RuneCountInString(k.Name) > 100 || !oneLine(k.Name) {
		w.add("/name", "A key's name has at most 100 characters, in one line.")
	}
	return pub, k, w.err()
}

// weak says why a key is not taken.
func weak(pub ssh.PublicKey) (why hub.Phrase) {
	switch pub.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoECDSA256:
		return why
	case ssh.KeyAlgoRSA:
		if k, ok := pub.(ssh.CryptoPublicKey); ok {
			if r, ok := k.CryptoPublicKey().(*rsa.PublicKey); ok && r.N.BitLen() >= minRSABits {
				return why
			}
		}
		return hub.Phrasef("An RSA key needs at least 3072 bits. Make one with: ssh-keygen -t ed25519")
	}
	return hub.Phrasef("Keys of this type are not taken. Make one with: ssh-keygen -t ed25519")
}
