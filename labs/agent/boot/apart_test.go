package boot

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// Everybody in a lab can connect to the agent's socket there, and gets nothing
// for it but a question.
func TestStrangersAreNotServed(t *testing.T) {
	t.Parallel()
	secret := []byte("of this sandbox")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(t.TempDir(), "agent"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	guarded := &challenged{l, secret}
	go func() {
		for {
			conn, err := guarded.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.WriteString(conn, "SSH-")
			}()
		}
	}()
	for name, tc := range map[string]struct {
		answer func(nonce []byte) []byte
		want   string
	}{
		"who knows the secret":       {func(nonce []byte) []byte { return proto.Proof(secret, nonce) }, "SSH-"},
		"who guesses it":             {func(nonce []byte) []byte { return proto.Proof([]byte("guess"), nonce) }, ""},
		"who repeats an old proof":   {func([]byte) []byte { return proto.Proof(secret, make([]byte, proto.NonceSize)) }, ""},
		"who says the question back": {func(nonce []byte) []byte { return nonce }, ""},
	} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		nonce := make([]byte, proto.NonceSize)
		if _, err := io.ReadFull(conn, nonce); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(tc.answer(nonce)); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(conn)
		if err != nil && !errors.Is(err, io.EOF) && tc.want != "" || string(got) != tc.want {
			t.Errorf("%s gets %q, %v; want %q", name, got, err, tc.want)
		}
		conn.Close()
	}
}
