package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
)

// LayerPrefix begins the names of trees that drivers keep beside the images and
// put below each of them. They are used and collected as images are.
const LayerPrefix = ".extras-"

// usesDir holds a folder for each digest in use, and in it a symbolic link to
// each holder: the folder of a sandbox or of a snapshot. A holder that is gone
// holds nothing, so whoever is killed leaves nothing to clean up by hand.
const usesDir = "uses"

func (s *Store) mark(digest, holder string) string {
	sum := sha256.Sum256([]byte(holder))
	return filepath.Join(s.dir, usesDir, folder(digest), hex.EncodeToString(sum[:8]))
}

// Hold keeps an image from being collected for as long as the file or folder
// holder exists, whose absolute path it takes. It returns labs.ErrNoImage when
// the image has gone meanwhile. Holding twice is holding once.
func (s *Store) Hold(digest, holder string) error {
	return s.hold(digest, filepath.Join(folder(digest), metaFile), holder)
}

// HoldLayer is Hold for a driver's tree, by its name, which Release takes as well.
func (s *Store) HoldLayer(name, holder string) error { return s.hold(name, name, holder) }

func (s *Store) hold(digest, proof, holder string) error {
	unlock, err := s.usesLock(unix.LOCK_SH)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(s.dir, proof)); err != nil {
		return fmt.Errorf("%w: %s: %w", labs.ErrNoImage, digest, err)
	}
	mark := s.mark(digest, holder)
	if err := os.MkdirAll(filepath.Dir(mark), 0o700); err != nil {
		return fmt.Errorf("hold image: %w", err)
	}
	if err := os.Symlink(holder, mark); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("hold image: %w", err)
	}
	return nil
}

// Release ends what Hold began. It needn't be called: GC looks for the holder.
func (s *Store) Release(digest, holder string) {
	if digest != "" {
		_ = os.Remove(s.mark(digest, holder))
	}
}

// inUse reports whether a holder of the digest exists, and forgets the others.
func (s *Store) inUse(dir string) bool {
	uses := filepath.Join(s.dir, usesDir, dir)
	marks, _ := os.ReadDir(uses)
	used := false
	for _, m := range marks {
		holder, err := os.Readlink(filepath.Join(uses, m.Name()))
		if err == nil {
			_, err = os.Lstat(holder)
		}
		// Whoever can't be asked is still there.
		if errors.Is(err, fs.ErrNotExist) {
			_ = os.Remove(filepath.Join(uses, m.Name()))
		} else {
			used = true
		}
	}
	if !used {
		_ = os.Remove(uses)
	}
	return used
}

// usesLock is shared by those who begin to use an image, and GC's alone. It
// isn't the build lock: nobody's lab waits for a build.
func (s *Store) usesLock(how int) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.dir, ".uses-lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock image store: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), how)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock image store: %w", err)
		}
	}
}

// Remove takes names and references away. The trees stay until GC.
func (s *Store) Remove(ctx context.Context, names ...string) error {
	unlock, err := s.lock(ctx.Done())
	if err != nil {
		return err
	}
	defer unlock()
	for _, n := range names {
		tags, err := tagsOf(n)
		if err != nil {
			return fmt.Errorf("%w: %s", labs.ErrNoImage, n)
		}
		removed := false
		for _, tag := range tags {
			if err := os.Remove(filepath.Join(s.dir, namesDir, tag)); err == nil {
				removed = true
				break
			}
		}
		if !removed {
			return fmt.Errorf("%w: %s is not installed on this host", labs.ErrNoImage, n)
		}
	}
	return nil
}

// GC removes the trees that no name points to and no sandbox or snapshot uses,
// of any server that shares the store, and whose digests aren't in used; and the
// drivers' own that none of them uses. It returns their digests and names.
func (s *Store) GC(ctx context.Context, used ...string) (removed []string, err error) {
	unlock, err := s.lock(ctx.Done())
	if err != nil {
		return nil, err
	}
	defer unlock()
	named := map[string]bool{}
	for _, digest := range used {
		named[folder(digest)] = true
	}
	tags, err := os.ReadDir(filepath.Join(s.dir, namesDir))
	if err != nil {
		return nil, fmt.Errorf("collect images: %w", err)
	}
	for _, t := range tags {
		target, err := os.Readlink(filepath.Join(s.dir, namesDir, t.Name()))
		if err != nil {
			return nil, fmt.Errorf("collect images: %w", err)
		}
		named[filepath.Base(target)] = true
	}
	trees, err := filepath.Glob(filepath.Join(s.dir, "sha256-*"))
	if err != nil {
		return nil, err
	}
	layers, err := filepath.Glob(filepath.Join(s.dir, LayerPrefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, tree := range append(trees, layers...) {
		dir := filepath.Base(tree)
		if named[dir] {
			continue
		}
		doomed, err := s.doom(dir)
		if err != nil {
			return removed, err
		}
		if doomed == "" {
			continue
		}
		removeAll(doomed)
		removed = append(removed, strings.TrimPrefix(strings.Replace(dir, "-", ":", 1), "."))
		if ctx.Err() != nil {
			return removed, ctx.Err()
		}
	}
	return removed, nil
}

// doom takes a tree that nobody uses out of sight, in one rename, and returns
// where it is now.
func (s *Store) doom(dir string) (string, error) {
	unlock, err := s.usesLock(unix.LOCK_EX)
	if err != nil {
		return "", err
	}
	defer unlock()
	if s.inUse(dir) {
		return "", nil
	}
	doomed := filepath.Join(s.dir, ".new-"+dir) // what a killed GC leaves, the next install removes
	if err := os.Rename(filepath.Join(s.dir, dir), doomed); err != nil {
		return "", fmt.Errorf("collect images: %w", err)
	}
	return doomed, nil
}
