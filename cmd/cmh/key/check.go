package key

import (
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/client/hub"
)

// checked refuses what isn't one public key before it leaves the machine: most
// of all a private key, taken for its public half.
func checked(text string) (string, error) {
	if strings.Contains(text, "PRIVATE KEY") {
		return "", hub.Errorf(hub.Invalid, "That is a private key. Give the file whose name ends in .pub; nothing was sent.")
	}
	key, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return "", hub.Errorf(hub.Invalid, "That is not an SSH public key, such as the text in ~/.ssh/id_ed25519.pub.")
	}
	line := strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(key)), "\n")
	if comment != "" {
		line += " " + comment
	}
	return line, nil
}
