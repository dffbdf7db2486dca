package app

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/maypok86/otter/v2"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/postgres"
)

const (
	accessLife   = 15 * time.Minute
	familyLife   = 30 * 24 * time.Hour
	refreshGrace = 10 * time.Second

	issuer   = "cloudmastershub"
	audience = "cloudmastershub-api"
	purpose  = "at+jwt" // RFC 9068: no other token of ours is one

	refreshPrefix = "cmhr_"
	maxToken      = 4096
	cachedTokens  = 20_000
)

// accounts is what signing in needs beside the database. Its zero value is
// ready.
type accounts struct {
	attempts attempts // each costs us a password hash
	guesses  attempts // of codes and the like, by source alone
	asked    attempts // for a message, by any address that somebody names

	first     sync.Mutex // apart from mu, because the first hash takes a while
	passwords *passwords

	mu     sync.Mutex
	signer ed25519.PrivateKey

	once     sync.Once
	verified *otter.Cache[[32]byte, *claims] // by hash of the token
}

type claims struct {
	userID, family string
	expires        time.Time
	last           atomic.Pointer[recent]
}

func (s *accounts) cache() *otter.Cache[[32]byte, *claims] {
	s.once.Do(func() { s.verified = otter.Must(&otter.Options[[32]byte, *claims]{MaximumSize: cachedTokens}) })
	return s.verified
}

func (a *App) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

func (a *App) passwords() (*passwords, error) {
	a.accounts.first.Lock()
	defer a.accounts.first.Unlock()
	if a.accounts.passwords == nil {
		p, err := newPasswords(a.PasswordCost, a.Hashing)
		if err != nil {
			return nil, err
		}
		a.accounts.passwords = p
	}
	return a.accounts.passwords, nil
}

// signer returns the key of access tokens, which every replica shares.
func (a *App) signer(ctx context.Context) (ed25519.PrivateKey, error) {
	a.accounts.mu.Lock()
	defer a.accounts.mu.Unlock()
	if a.accounts.signer != nil {
		return a.accounts.signer, nil
	}
	seed, err := a.secret(ctx, "access-token-ed25519", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	a.accounts.signer = ed25519.NewKeyFromSeed(seed)
	return a.accounts.signer, nil
}

// secret returns size random bytes, the same ones for ever and everywhere.
func (a *App) secret(ctx context.Context, name string, size int) ([]byte, error) {
	fresh := make([]byte, size)
	_, _ = rand.Read(fresh) // never fails
	var value []byte
	err := a.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		value, err = tx.Secret(ctx, name, fresh)
		return err
	})
	if err == nil && len(value) != size {
		err = fmt.Errorf("the secret %s has %d bytes, not %d", name, len(value), size)
	}
	return value, err
}

// accessToken signs a token for a sign-in.
func (a *App) accessToken(ctx context.Context, f postgres.Family) (string, time.Duration, error) {
	key, err := a.signer(ctx)
	if err != nil {
		return "", 0, err
	}
	now := a.now()
	life := min(accessLife, f.ExpiresAt.Sub(now))
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{
		"iss": issuer, "aud": audience, "sub": f.UserID, "sid": f.ID, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(life).Unix(),
	})
	t.Header["typ"] = purpose
	s, err := t.SignedString(key)
	return s, life, err
}

var errNotSignedIn = &hub.Error{Code: hub.Unauthenticated, Message: "You are not signed in, or no longer."}

// Authenticate returns whose access token it is. A sign-in that has ended is
// heard of at once: see known.
func (a *App) Authenticate(ctx context.Context, token string) (hub.User, error) {
	c, err := a.tokenCaller(ctx, token, nil)
	return c.User, err
}

// claimsOf is what a token says, which has been proven now or before.
func (a *App) claimsOf(ctx context.Context, token string, last *Sighting, now time.Time) (*claims, error) {
	if last != nil && last.claims != nil && subtle.ConstantTimeCompare([]byte(last.token), []byte(token)) == 1 && now.Before(last.claims.expires) {
		return last.claims, nil
	}
	verified, sum := a.accounts.cache(), sha256.Sum256([]byte(token))
	c, ok := verified.GetIfPresent(sum)
	if !ok || !now.Before(c.expires) {
		var err error
		if c, err = a.verify(ctx, token); err != nil {
			return nil, err
		}
		verified.Set(sum, c)
	}
	if last != nil {
		last.token, last.claims = token, c
	}
	return c, nil
}

func (a *App) tokenCaller(ctx context.Context, token string, last *Sighting) (Caller, error) {
	if len(token) > maxToken {
		return Caller{}, errNotSignedIn
	}
	now := a.now()
	c, err := a.claimsOf(ctx, token, last, now)
	if err != nil {
		return Caller{}, err
	}
	if u, m, ok := a.known.recall(c.last.Load(), now); ok {
		return Caller{User: u, family: c.family, memo: m}, nil
	}
	seen := a.known.generation()
	if u, read, ok := a.known.session(c.family, c.userID, now); ok {
		c.last.Store(&recent{user: u, read: read, seen: seen})
		return Caller{User: u, family: c.family}, nil
	}
	var u hub.User
	err = a.DB.Ask(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		u, err = tx.UserOfFamily(ctx, c.family, now)
		return err
	})
	if hub.CodeOf(err) == hub.NotFound || (err == nil && u.ID != c.userID) {
		return Caller{}, errNotSignedIn
	}
	if err != nil {
		return Caller{}, err
	}
	a.known.keepSession(c.family, u, now, seen)
	return Caller{User: u, family: c.family}, nil
}

// verify checks everything about a token that the token itself says.
func (a *App) verify(ctx context.Context, token string) (*claims, error) {
	key, err := a.signer(ctx)
	if err != nil {
		return nil, err
	}
	var c struct {
		jwt.RegisteredClaims
		Family string `json:"sid"`
	}
	t, err := jwt.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		if t.Header["typ"] != purpose {
			return nil, errors.New("not an access token")
		}
		return key.Public(), nil
	},
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithTimeFunc(a.now), jwt.WithStrictDecoding())
	if err != nil || !t.Valid || c.Subject == "" || c.Family == "" {
		return nil, &hub.Error{Code: hub.Unauthenticated, Message: errNotSignedIn.Message, Err: err}
	}
	return &claims{userID: c.Subject, family: c.Family, expires: c.ExpiresAt.Time}, nil
}

// signIn begins a sign-in.
func (a Actor) signIn(ctx context.Context, tx postgres.Tx, userID, method string) (postgres.Family, string, error) {
	now := a.app.now()
	f, err := tx.CreateFamily(ctx, userID, method, a.client, now, now.Add(familyLife))
	if err != nil {
		return f, "", err
	}
	token := newToken(refreshPrefix)
	return f, token, tx.AddRefreshToken(ctx, f.ID, tokenHash(token), now)
}

func (a *App) tokens(ctx context.Context, f postgres.Family, refresh string) (hub.Tokens, error) {
	access, life, err := a.accessToken(ctx, f)
	return hub.Tokens{AccessToken: access, RefreshToken: refresh, TokenType: "Bearer", ExpiresIn: int(life.Seconds())}, err
}

// Refresh trades a refresh token for new tokens. Within the grace, the same
// token gives the same successor: a client whose answer was lost asks again.
// Later it is somebody else's copy, and the sign-in ends.
func (a Actor) Refresh(ctx context.Context, refreshToken string) (hub.Tokens, error) {
	if !strings.HasPrefix(refreshToken, refreshPrefix) || len(refreshToken) > maxToken {
		return hub.Tokens{}, errNotSignedIn
	}
	var (
		now    = a.app.now()
		hash   = tokenHash(refreshToken)
		next   string
		t      postgres.RefreshToken
		reused bool
	)
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) (err error) {
		if t, err = tx.LockRefreshToken(ctx, hash); err != nil {
			return err
		}
		if _, err := tx.UserOfFamily(ctx, t.ID, now); err != nil {
			return err
		}
		switch {
		case t.UsedAt == nil:
			next = newToken(refreshPrefix)
			if err := tx.AddRefreshToken(ctx, t.ID, tokenHash(next), now); err != nil {
				return err
			}
			if err := tx.TouchFamily(ctx, t.ID, now); err != nil {
				return err
			}
			return tx.UseRefreshToken(ctx, hash, seal(refreshToken, next), now)
		case now.Sub(*t.UsedAt) <= refreshGrace:
			next, err = unseal(refreshToken, t.Successor)
			return err
		}
		reused = true
		if err := tx.RevokeFamily(ctx, t.ID, now); err != nil {
			return err
		}
		return a.app.happened(ctx, tx, t.UserID, "account.token_reused", map[string]string{"family": t.ID})
	})
	switch {
	case hub.CodeOf(err) == hub.NotFound:
		return hub.Tokens{}, errNotSignedIn
	case err != nil:
		return hub.Tokens{}, err
	case reused:
		a.app.forget(t.ID)
		return hub.Tokens{}, errNotSignedIn
	}
	return a.app.tokens(ctx, t.Family, next)
}

// Logout ends the sign-in a refresh token belongs to. Whether there was one is
// not told.
func (a Actor) Logout(ctx context.Context, refreshToken string) error {
	var family string
	err := a.app.DB.InTx(ctx, func(ctx context.Context, tx postgres.Tx) error {
		t, err := tx.LockRefreshToken(ctx, tokenHash(refreshToken))
		if err != nil {
			return err
		}
		family = t.ID
		if err := tx.RevokeFamily(ctx, t.ID, a.app.now()); err != nil {
			return err
		}
		return a.app.happened(ctx, tx, t.UserID, "account.signed_out", map[string]string{"family": t.ID})
	})
	if hub.CodeOf(err) == hub.NotFound {
		return nil
	}
	a.app.forget(family)
	return err
}

// forget makes this process ask the database about a sign-in again.
func (a *App) forget(family string) {
	a.known.forgetSession(family)
}

// newToken returns 256 random bits behind a prefix that says what they are for.
func newToken(prefix string) string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

// tokenHash is what is stored of a token. A slow hash would protect nothing:
// nobody guesses 256 bits.
func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// seal hides a token's successor from whoever reads the database: only the
// token itself opens it.
func seal(token, successor string) []byte {
	box := sealer(token)
	return box.Seal(nil, make([]byte, box.NonceSize()), []byte(successor), nil) // a key seals once
}

func unseal(token string, sealed []byte) (string, error) {
	box := sealer(token)
	b, err := box.Open(nil, make([]byte, box.NonceSize()), sealed, nil)
	return string(b), err
}

func sealer(token string) cipher.AEAD {
	key := sha256.Sum256([]byte("successor of " + token))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has the right size
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the right block
	}
	return box
}
