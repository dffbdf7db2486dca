package gateway

import (
	"encoding/binary"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]bool{ // has a lab's form, has a session's
		"s-abcdefghi7": {true, true}, "first-lab": {true, false}, "root": {true, false},
		"s-abcdefghi": {true, false}, "s-abcdefghi1": {true, false}, "s-ABCDEFGHIJ": {false, false},
		"": {false, false}, "-x": {false, false}, "a_b": {false, false}, "é": {false, false},
		strings.Repeat("a", 63): {true, false}, strings.Repeat("a", 64): {false, false},
	} {
		if got := [2]bool{slug(name), sessionID(name)}; got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

// Whatever a client says of its terminal, what goes on is a terminal's.
func FuzzPTY(f *testing.F) {
	type pty struct {
		Term                      string
		Cols, Rows, Width, Height uint32
		Modes                     string
	}
	f.Add(gossh.Marshal(pty{"xterm", 80, 24, 0, 0, "\x00"}))
	f.Add(gossh.Marshal(pty{"\x1b[2J", 0, 1 << 31, 1 << 31, 0, ""}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if out, ok := clampPTY(payload); ok {
			var p pty
			if err := gossh.Unmarshal(out, &p); err != nil {
				t.Fatal(err)
			}
			if p.Cols < 1 || p.Cols > 1000 || p.Rows < 1 || p.Rows > 1000 || len(p.Term) > 64 || strings.ContainsAny(p.Term, "\x1b\x00\n\x7f") {
				t.Fatalf("%+v", p)
			}
		}
		if out, ok := clampWindow(payload); ok {
			for i := range 2 {
				if n := binary.BigEndian.Uint32(out[4*i:]); n < 1 || n > 1000 {
					t.Fatalf("% x", out)
				}
			}
		}
		acceptEnv(payload)
	})
}
