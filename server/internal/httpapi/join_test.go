package httpapi_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// Who comes with a key that somebody has, whoever and whatever became of them, is told
// that of the key, and nothing else: not who has an address, and no account is called
// back from its end.
func TestAKeyThatIsTakenJoinsNobody(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	visitor := api.App.As(hub.User{})
	raw, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	key := hub.NewKey{Name: "from-ssh", PublicKey: string(ssh.MarshalAuthorizedKey(pub))}
	mine := hub.Registration{Email: "mine@example.com", Username: "mine", Password: "correct horse battery"}
	if _, err := visitor.Join(t.Context(), mine, key); err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"mine@example.com", "nobody@example.com"} {
		_, err := visitor.Join(t.Context(), hub.Registration{Email: email, Username: "another", Password: "correct horse battery"}, key)
		if err == nil || err.Error() != "That key already exists." {
			t.Errorf("%s: %v", email, err)
		}
	}
	if _, err := api.App.DB.Pool().Exec(t.Context(), `UPDATE users SET disabled_at = now(), delete_requested_at = now() WHERE username = 'mine'`); err != nil {
		t.Fatal(err)
	}
	if _, err := visitor.EnterWithKey(t.Context(), hub.Credentials{Email: "mine", Password: mine.Password}, key); hub.CodeOf(err) != hub.Conflict {
		t.Errorf("entered an account that ends: %v", err)
	}
	var ends bool
	if err := api.App.DB.Pool().QueryRow(t.Context(), `SELECT disabled_at IS NOT NULL FROM users WHERE username = 'mine'`).Scan(&ends); err != nil || !ends {
		t.Errorf("it no longer ends: %v", err)
	}
}
