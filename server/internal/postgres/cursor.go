package postgres

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/cloudmastershub/cmh/client/hub"
)

var errNotIssued = errors.New("not as it was issued")

// formatCursor makes an opaque text of the last item's sort key.
func formatCursor(key any) string {
	b, _ := json.Marshal(key) // strings and numbers always encode
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor reads a cursor back into key. It takes only what formatCursor
// writes, byte for byte.
func parseCursor(cursor string, key any) error {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, key)
	}
	if err == nil {
		if again, _ := json.Marshal(key); !bytes.Equal(again, b) {
			err = errNotIssued
		}
	}
	if err != nil {
		return hub.Wrap(err, hub.Invalid, "The cursor is not one that this list gave out. Start again without it.")
	}
	return nil
}
