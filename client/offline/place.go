// Package offline keeps learning going where no hub can be reached: what was
// read is kept on disk, what is done is written into a journal, and told to the
// hub once it answers. Which hub, and who is signed in, is its caller's; so is
// what is said to the learner.
package offline

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// A Place is where one hub's things are kept on this machine: below Cache what
// can be had again, below State what can't.
type Place struct {
	Cache, State string
	Language     string // of texts; empty is en
}

// At returns the place for the hub at server, below the folders that the system
// has for such things. It may not exist yet.
func At(server string, getenv func(string) string) (Place, error) {
	cache, err := os.UserCacheDir() // XDG_CACHE_HOME, or what the system has instead
	if err != nil {
		return Place{}, err
	}
	state := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		switch runtime.GOOS {
		case "windows", "darwin":
			if state, err = os.UserConfigDir(); err == nil {
				state = filepath.Join(state, "cmh", "state")
			}
		default:
			if state, err = os.UserHomeDir(); err == nil {
				state = filepath.Join(state, ".local", "state")
			}
		}
		if err != nil {
			return Place{}, err
		}
	}
	hub := digest(server)
	return Place{Cache: filepath.Join(cache, "cmh", hub), State: filepath.Join(state, "cmh", hub), Language: language(getenv)}, nil
}

// language is the learner's, as their environment says: two or three letters.
func language(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		v := strings.ToLower(getenv(name))
		if i := strings.IndexAny(v, "_.@-"); i >= 0 {
			v = v[:i]
		}
		if len(v) >= 2 && len(v) <= 3 && strings.Trim(v, "abcdefghijklmnopqrstuvwxyz") == "" {
			return v
		}
	}
	return "en"
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:10])
}

// Account is whose a token is, as a name for a folder: the same for each token
// of one sign-in. Nobody has checked the token; nothing is allowed because of it.
func Account(token string) string {
	if token == "" {
		return "guest"
	}
	if sub := subject(token); sub != "" {
		return digest("account " + sub)
	}
	return digest("token " + token)
}

// subject is the account that the token of a sign-in names; keys name none.
func subject(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	var claims struct {
		Sub string `json:"sub"`
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(body, &claims) != nil {
		return ""
	}
	return claims.Sub
}
