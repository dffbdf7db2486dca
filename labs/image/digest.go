package image

import (
	"fmt"
	"regexp"

	"github.com/cloudmastershub/cmh/labs"
)

var validDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// ByDigest finds an installed tree whatever names it has now, or none. The
// error is labs.ErrNoImage when it is gone.
func (s *Store) ByDigest(digest string) (Root, error) {
	if !validDigest.MatchString(digest) {
		return Root{}, fmt.Errorf("%w: %q is not a digest", labs.ErrNoImage, digest)
	}
	return s.read(digest, folder(digest))
}
