package image

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/cloudmastershub/cmh/words"
)

// namesDir holds a symbolic link for every name and every reference, which is
// escaped: it has a slash always, and so never looks like a name.
const namesDir = "names"

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// checkName says whether an image may be called so by whoever installs it.
func checkName(n string) error {
	if !validName.MatchString(n) || n == Host || n == Tiny {
		return errors.New(words.Kept("%q can't be an image's name: use lower case letters, digits, dots and dashes, and neither %s nor %s", n, Host, Tiny))
	}
	return nil
}

// tagsOf are the links to look for, the likelier first: "alpine" is a name
// somebody gave, or else docker.io/library/alpine:latest.
func tagsOf(n string) ([]string, error) {
	var tags []string
	if validName.MatchString(n) {
		tags = append(tags, n)
	}
	ref, err := name.ParseReference(n)
	if err == nil {
		tags = append(tags, escaped(ref))
	}
	if len(tags) == 0 {
		return nil, err
	}
	return tags, nil
}

func escaped(ref name.Reference) string { return url.PathEscape(ref.Name()) }

// spoken is how people write the name or reference of a link.
func spoken(tag string) string {
	n, err := url.PathUnescape(tag)
	if err != nil {
		return tag
	}
	for _, prefix := range []string{"index.docker.io/library/", "index.docker.io/"} {
		if short, ok := strings.CutPrefix(n, prefix); ok {
			return short
		}
	}
	return n
}

// tag points the link to the folder of a digest. The caller holds the lock.
func (s *Store) tag(tag, dir string) error {
	next := filepath.Join(s.dir, ".next-name")
	_ = os.Remove(next)
	if err := os.Symlink(filepath.Join("..", dir), next); err != nil {
		return fmt.Errorf("name image %s: %w", spoken(tag), err)
	}
	if err := os.Rename(next, filepath.Join(s.dir, namesDir, tag)); err != nil {
		return fmt.Errorf("name image %s: %w", spoken(tag), err)
	}
	return nil
}
