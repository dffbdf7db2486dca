package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"

	"github.com/cloudmastershub/cmh/client/hub"
)

// cursors keeps what cursors are signed with. Its zero value is ready.
type cursors struct {
	mu  sync.Mutex
	key cursorKey
}

// cursorKey signs the cursors of lists, so that one is accepted only as it was
// issued, and only for the list it was issued for. Every server of one
// database has the same.
type cursorKey []byte

const (
	cursorKeySize = 32
	cursorSum     = 16 // bytes of the signature that are kept
)

// cursorKey must be asked for outside of a transaction.
func (a *App) cursorKey(ctx context.Context) (cursorKey, error) {
	a.cursors.mu.Lock()
	defer a.cursors.mu.Unlock()
	if a.cursors.key != nil {
		return a.cursors.key, nil
	}
	key, err := a.secret(ctx, "cursors", cursorKeySize)
	if err == nil {
		a.cursors.key = key
	}
	return key, err
}

// seal makes a cursor of place, where the next page begins in the list that
// list describes.
func (k cursorKey) seal(list, place any) string {
	body, _ := json.Marshal(place) // plain structs always encode
	return base64.RawURLEncoding.EncodeToString(append(k.sign(list, body), body...))
}

// open reads a cursor of the same list back into place.
func (k cursorKey) open(list any, cursor string, place any) error {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	// The decoder passes over line ends, which no cursor of ours has.
	if err != nil || strings.ContainsAny(cursor, "\r\n") || len(b) < cursorSum || !hmac.Equal(b[:cursorSum], k.sign(list, b[cursorSum:])) || json.Unmarshal(b[cursorSum:], place) != nil {
		return hub.Errorf(hub.Invalid, "The cursor is not one that this list gave out. Start again without it.")
	}
	return nil
}

func (k cursorKey) sign(list any, body []byte) []byte {
	name, _ := json.Marshal(list) // plain structs always encode
	mac := hmac.New(sha256.New, k)
	mac.Write(name)
	mac.Write([]byte{0})
	mac.Write(body)
	return mac.Sum(nil)[:cursorSum]
}
