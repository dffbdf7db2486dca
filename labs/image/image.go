// Package image keeps the file trees that sandboxes start from: it builds the
// Debian base, imports OCI images, and finds them by name.
//
// A tree is content-addressed, written once and never changed afterwards;
// every sandbox of it shares it. How it becomes a root file system is the
// driver's business.
package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
)

// Names with a meaning of their own.
const (
	Default = "debian" // what an empty name means, and what Build makes
	Host    = "host"   // the host's own /usr, read-only: for development only
)

// Root is an installed image.
type Root struct {
	Name    string    `json:"name"`
	Digest  string    `json:"digest"` // sha256:...
	Path    string    `json:"path"`   // the file tree
	Source  string    `json:"source"` // what it was made of, for people
	Created time.Time `json:"created"`

	// HostUsr says that the tree is a skeleton without /usr, and the host's
	// own is to be bound there, read-only.
	HostUsr bool `json:"host_usr,omitempty"`
}

// Store is a folder of images. Several processes may use one.
type Store struct{ dir string }

// Open makes dir when it isn't there. The folder is closed to other users,
// because images hold setuid programs that nobody updates.
func Open(dir string) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(abs, "names"), 0o700); err != nil {
		return nil, fmt.Errorf("open image store: %w", err)
	}
	if err := os.Chmod(abs, 0o700); err != nil {
		return nil, fmt.Errorf("open image store: %w", err)
	}
	return &Store{dir: abs}, nil
}

// Dir is where the store lies.
func (s *Store) Dir() string { return s.dir }

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Resolve finds an image; an empty name is Default's. The error is
// labs.ErrNoImage, in words that say how to get it, when there is none.
func (s *Store) Resolve(name string) (Root, error) {
	if name == "" {
		name = Default
	}
	if !validName.MatchString(name) {
		return Root{}, fmt.Errorf("%w: %q is not an image name", labs.ErrNoImage, name)
	}
	if name == Host {
		return s.hostSkeleton()
	}
	target, err := os.Readlink(filepath.Join(s.dir, "names", name))
	if errors.Is(err, fs.ErrNotExist) {
		how := "cmh-server image import PATH --name " + name
		if name == Default {
			how = "cmh-server image build"
		}
		return Root{}, fmt.Errorf("%w: %s; install it with: %s", labs.ErrNoImage, name, how)
	}
	if err != nil {
		return Root{}, fmt.Errorf("find image %s: %w", name, err)
	}
	return s.read(name, filepath.Base(target))
}

// List returns every image with a name, sorted by name.
func (s *Store) List() ([]Root, error) {
	names, err := os.ReadDir(filepath.Join(s.dir, "names"))
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	var all []Root
	for _, n := range names {
		if r, err := s.Resolve(n.Name()); err == nil {
			all = append(all, r)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all, nil
}

const metaFile = "image.json"

func folder(digest string) string { return strings.Replace(digest, ":", "-", 1) }

func (s *Store) read(name, dir string) (Root, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, dir, metaFile))
	if err != nil {
		return Root{}, fmt.Errorf("%w: %s: %w", labs.ErrNoImage, name, err)
	}
	var r Root
	if err := json.Unmarshal(raw, &r); err != nil {
		return Root{}, fmt.Errorf("read image %s: %w", name, err)
	}
	r.Name, r.Path = name, filepath.Join(s.dir, dir, "root")
	return r, nil
}

// install makes the tree with the given digest if it isn't there, and gives
// it the name. fill writes into an empty folder, which becomes the tree in
// one rename; two installs wait for each other.
func (s *Store) install(done <-chan struct{}, r Root, fill func(root string) error) (Root, error) {
	unlock, err := s.lock(done)
	if err != nil {
		return Root{}, err
	}
	defer unlock()
	dir := folder(r.Digest)
	if _, err := os.Stat(filepath.Join(s.dir, dir, metaFile)); errors.Is(err, fs.ErrNotExist) {
		if err := s.write(r, dir, fill); err != nil {
			return Root{}, err
		}
	}
	link := filepath.Join(s.dir, "names", r.Name)
	next := filepath.Join(s.dir, ".next-name")
	_ = os.Remove(next)
	if err := os.Symlink(filepath.Join("..", dir), next); err != nil {
		return Root{}, fmt.Errorf("name image %s: %w", r.Name, err)
	}
	if err := os.Rename(next, link); err != nil {
		return Root{}, fmt.Errorf("name image %s: %w", r.Name, err)
	}
	return s.read(r.Name, dir)
}

func (s *Store) write(r Root, dir string, fill func(root string) error) error {
	stale, _ := filepath.Glob(filepath.Join(s.dir, ".new-*")) // of builds that were killed
	for _, p := range stale {
		removeAll(p)
	}
	unpacked, _ := filepath.Glob(filepath.Join(s.dir, ".in-*")) // archives being imported now, or by somebody killed
	for _, p := range unpacked {
		if st, err := os.Stat(p); err == nil && time.Since(st.ModTime()) > 24*time.Hour {
			removeAll(p)
		}
	}
	tmp, err := os.MkdirTemp(s.dir, ".new-")
	if err != nil {
		return fmt.Errorf("install image %s: %w", r.Name, err)
	}
	defer removeAll(tmp)
	root := filepath.Join(tmp, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		return fmt.Errorf("install image %s: %w", r.Name, err)
	}
	if err := os.Chmod(root, 0o755); err != nil { // whatever the umask
		return fmt.Errorf("install image %s: %w", r.Name, err)
	}
	if err := fill(root); err != nil {
		return fmt.Errorf("install image %s: %w", r.Name, err)
	}
	r.Created, r.Name, r.Path = time.Now().UTC(), "", ""
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, metaFile), raw, 0o600); err != nil {
		return fmt.Errorf("install image %s: %w", r.Name, err)
	}
	return os.Rename(tmp, filepath.Join(s.dir, dir))
}

var errInterrupted = errors.New("interrupted while waiting for another build")

// lock waits for the store's build lock. A dead holder's is free.
func (s *Store) lock(done <-chan struct{}) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock image store: %w", err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock image store: %w", err)
		}
		select {
		case <-tick.C:
		case <-done:
			f.Close()
			return nil, errInterrupted
		}
	}
}

// removeAll also removes folders without write permission, which an ordinary
// user's os.RemoveAll can't enter. It leaves alone a tree with something mounted
// in it: what it would remove there is somebody else's.
func removeAll(path string) {
	if mountedIn(path) {
		return
	}
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(p, 0o700)
		}
		return nil
	})
	_ = os.RemoveAll(path)
}

func mountedIn(path string) bool {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return true
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], path+"/") {
			return true
		}
	}
	return false
}
