package app

import (
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
)

type place struct{ Title, ID string }

// A cursor opens for the list it was given out for, and for no other.
func TestCursorBelongsToItsList(t *testing.T) {
	t.Parallel()
	key := cursorKey("0123456789abcdef0123456789abcdef")
	c := key.seal("courses of ada", place{"Terraform", "7"})
	var got place
	if err := key.open("courses of ada", c, &got); err != nil || got != (place{"Terraform", "7"}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for name, err := range map[string]error{
		"another list": key.open("courses of bob", c, &got),
		"another key":  cursorKey("another").open("courses of ada", c, &got),
		"cut":          key.open("courses of ada", c[:len(c)-1], &got),
		"nothing":      key.open("courses of ada", "", &got),
	} {
		if hub.CodeOf(err) != hub.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever a client sends as a cursor is either one of ours, to the letter, or
// refused.
func FuzzCursor(f *testing.F) {
	key := cursorKey("0123456789abcdef0123456789abcdef")
	good := key.seal("list", place{"a", "b"})
	for _, s := range []string{good, good + "=", good[1:], good[:30] + "\n" + good[30:], "", "AAAA", "😀"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got place
		if err := key.open("list", s, &got); err == nil && key.seal("list", got) != s {
			t.Errorf("%q was opened as %+v, and is not what we give out for it", s, got)
		} else if err != nil && hub.CodeOf(err) != hub.Invalid {
			t.Errorf("%q: %v", s, err)
		}
	})
}
