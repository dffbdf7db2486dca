// Package hashing makes and compares the hashes that are kept of passwords, which
// cost a fifth of a second each on purpose. It can do so in a process of its own
// (see Worker), so that nobody else waits for them. What may be hashed, and how
// many at once, its callers decide.
package hashing

import (
	"errors"

	"golang.org/x/crypto/bcrypt"
)

// Hash returns what is stored for secret, which has at most 72 bytes.
func Hash(secret []byte, cost int) ([]byte, error) {
	return bcrypt.GenerateFromPassword(secret, cost)
}

// Matches reports whether hash is of secret.
func Matches(hash, secret []byte) (bool, error) {
	err := bcrypt.CompareHashAndPassword(hash, secret)
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return err == nil, err
}
