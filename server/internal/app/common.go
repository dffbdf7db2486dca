package app

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"sort"
	"strings"
	"unicode/utf8"
)

// commonPasswords holds, sorted, the first five bytes of the SHA-256 of each of
// the 3,000 most used passwords and of the 3,000 most used of eight characters
// and more, lower case. The words are those of Mark Burnett's public list as
// ranked by zxcvbn 4.4.2 (MIT); hashes keep the less polite ones out of the
// source.
//
//go:embed common.bin
var commonPasswords []byte

const commonSize = 5

// common reports whether a password is among the first that anybody would try:
// a much used one, also dressed up with digits, signs and 0 for o, or the
// account's own name.
func common(password, username, email string) bool {
	p := strings.ToLower(password)
	local, _, _ := strings.Cut(strings.ToLower(email), "@")
	plain := strings.TrimRight(p, "0123456789!?.#$*-_+@ ")
	for _, s := range []string{p, plain, plainLetters.Replace(p), plainLetters.Replace(plain)} {
		if listed(s) || s == strings.ToLower(username) || s == local || s == strings.ToLower(email) {
			return true
		}
	}
	return monotone(p)
}

var plainLetters = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s")

func listed(s string) bool {
	sum := sha256.Sum256([]byte(s))
	n := len(commonPasswords) / commonSize
	at := func(i int) []byte { return commonPasswords[i*commonSize : (i+1)*commonSize] }
	i := sort.Search(n, func(i int) bool { return bytes.Compare(at(i), sum[:commonSize]) >= 0 })
	return i < n && bytes.Equal(at(i), sum[:commonSize])
}

// monotone reports whether each character is the one before, or its neighbour:
// aaaaaaaa, 12345678, hgfedcba. Only ASCII: guessers type what keyboards have.
func monotone(s string) bool {
	prev, _ := utf8.DecodeRuneInString(s)
	for i, r := range s {
		if d := r - prev; r >= utf8.RuneSelf || i > 0 && (d < -1 || d > 1) {
			return false
		}
		prev = r
	}
	return true
}
