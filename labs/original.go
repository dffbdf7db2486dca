package labs

import "context"

// An Original is a Driver that can show the file tree a sandbox began with, as
// nothing inside can change it. Checks compare their tools with it. A Driver
// without is believed about nothing: then only the check itself is held.
type Original interface {
	// Original finds the tree of a sandbox's image. It returns ErrNotFound for
	// an unknown sandbox.
	Original(ctx context.Context, id string) (Tree, error)
}

// A Tree is an image on this host.
type Tree struct {
	Digest string // equal ones hold the same files
	Dir    string
	Path   string // where its programs are looked for; empty is as anywhere
	Usr    string // what is bound at /usr instead of the tree's own; empty is nothing
}
