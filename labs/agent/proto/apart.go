package proto

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
)

// How the agent is reached where nothing of the host's can be handed to process
// 1, because the engine runs on another machine or in a virtual one. The folder
// of DockBinary is a read-only volume then. The driver copies an Apart to
// ApartFile and starts DockBinary with the argument ApartMode; that takes the
// file away, listens at ApartSocket and is the agent. A connection is a process
// that the engine starts as DockBinary with the argument DialMode: it copies
// between its own streams and that socket.
//
// Everybody inside can connect to the socket, and nobody can take its name from
// the agent. So a connection begins with a challenge: the agent sends NonceSize
// bytes, and hangs up unless it gets Proof of them. Then it is as any other.
const (
	ApartFile   = "/.lab-boot"
	ApartSocket = "@cmh-agent" // abstract: held for as long as the agent lives
	ApartMode   = "apart"
	DialMode    = "dial"

	NonceSize = 32
	ProofSize = sha256.Size
)

// Apart is what ApartFile holds.
type Apart struct {
	Dock
	Boot Boot `json:"boot"`
}

// Proof shows that one knows the secret of Boot.
func Proof(secret, nonce []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(nonce)
	return h.Sum(nil)
}

// HostKey is the agent's SSH host key where there is a secret. The driver knows
// it, so whoever gets hold of a connection's streams can't pass for the agent.
func HostKey(secret []byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(Proof(secret, []byte("SSH host key"))) // no nonce has this length
}
