package docker

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// What lies in an ordinary user's store as that user's is root's in labs, hard
// links included, and root's store is as it is. Engines keep them apart.
func TestPackingGivesFilesToRoot(t *testing.T) {
	t.Parallel()
	tree, user := t.TempDir(), os.Getuid()
	mine, twin := filepath.Join(tree, "mine"), filepath.Join(tree, "twin")
	err := errors.Join(os.WriteFile(mine, []byte("text"), 0o600), os.Link(mine, twin), os.Mkdir(filepath.Join(tree, "folder"), 0o700))
	if user == 0 {
		user = 1234
		err = errors.Join(err, os.Lchown(mine, user, user), os.Lchown(filepath.Join(tree, "folder"), user, user),
			os.WriteFile(filepath.Join(tree, "other"), nil, 0o600), os.Lchown(filepath.Join(tree, "other"), 55, 66))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, as := range []int{user, 0} {
		var archive bytes.Buffer
		if err := pack(&archive, tree, as); err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(&archive); ; {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			want := user
			switch {
			case h.Name == "other":
				want = 55
			case as == user:
				want = 0
			}
			if h.Uid != want {
				t.Errorf("packed by %d, %s is %d's, want %d", as, h.Name, h.Uid, want)
			}
		}
	}
	const digest = "sha256:abc"
	if reference(digest, 0) == reference(digest, user) || reference(digest, 0) != firstReference(digest) {
		t.Errorf("%q and %q", reference(digest, 0), reference(digest, user))
	}
}
