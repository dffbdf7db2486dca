// Package image keeps the file trees that sandboxes start from: it makes the
// tiny one, builds the Debian base, pulls and imports OCI images, and finds
// them by name or reference. Names are tags: they point to digests.
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
	"sort"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/words"
)

// Names with a meaning of their own.
const (
	Default = "debian" // what an empty name means, and what Build makes
	Tiny    = "tiny"   // a shell and small tools, always there: see UseTiny
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

	// Env and WorkDir are what an OCI image wants its programs to begin with.
	Env     map[string]string `json:"env,omitempty"`
	WorkDir string            `json:"work_dir,omitempty"`
}

// Store is a folder of images. Several processes may use one.
type Store struct {
	dir  string
	tiny tinyProgram
}

// Open makes dir when it isn't there. The folder is closed to other users,
// because images hold setuid programs that nobody updates.
func Open(dir string) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{namesDir, usesDir} {
		if err := os.MkdirAll(filepath.Join(abs, dir), 0o700); err != nil {
			return nil, fmt.Errorf("open image store: %w", err)
		}
	}
	if err := os.Chmod(abs, 0o700); err != nil {
		return nil, fmt.Errorf("open image store: %w", err)
	}
	return &Store{dir: abs}, nil
}

// Dir is where the store lies.
func (s *Store) Dir() string { return s.dir }

// State is another text once an image was given a name or lost one, or the tiny
// one's program was changed.
func (s *Store) State() string {
	var b strings.Builder
	for _, path := range []string{filepath.Join(s.dir, namesDir), s.tiny.path} {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			fmt.Fprintln(&b, err)
		} else {
			fmt.Fprintln(&b, st.Ino, st.Ctim.Nano()) // a program may be exchanged for one of the same time
		}
	}
	return b.String()
}

// Resolve finds an image by its name or, as a registry knows it, by its
// reference; an empty name is Default's. The error is labs.ErrNoImage, in words
// that say how to get it, when there is none. Nothing is fetched.
func (s *Store) Resolve(name string) (Root, error) {
	if name == "" {
		name = Default
	}
	switch name {
	case Host:
		return s.hostSkeleton()
	case Tiny:
		return s.tinyRoot()
	}
	tags, err := tagsOf(name)
	if err != nil {
		return Root{}, fmt.Errorf("%w: %q is neither the name nor the reference of an image", labs.ErrNoImage, name)
	}
	for _, tag := range tags {
		target, err := os.Readlink(filepath.Join(s.dir, namesDir, tag))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENAMETOOLONG) {
			continue
		}
		if err != nil {
			return Root{}, fmt.Errorf("find image %s: %w", name, err)
		}
		return s.read(name, filepath.Base(target))
	}
	how := "cmh-server image pull " + name
	if name == Default {
		how = "cmh-server image build"
	}
	return Root{}, fmt.Errorf("%w: %s is not installed on this host; install it with: %s", labs.ErrNoImage, name, how)
}

// What operators are told of images, as it begins with ErrNoImage.
var _ = [...]string{
	words.Heard("labs: no such image: %s is not installed on this host; install it with: %s"), words.Heard("labs: no such image: %s is not installed on this host"),
	words.Heard("labs: no such image: %q is neither the name nor the reference of an image"),
}

// List returns every image that was given a name, once for each, sorted.
func (s *Store) List() ([]Root, error) {
	_, _ = s.tinyRoot() // there it is
	tags, err := os.ReadDir(filepath.Join(s.dir, namesDir))
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	var all []Root
	for _, t := range tags {
		target, err := os.Readlink(filepath.Join(s.dir, namesDir, t.Name()))
		if err != nil {
			continue
		}
		if r, err := s.read(spoken(t.Name()), filepath.Base(target)); err == nil {
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
	if errors.Is(err, fs.ErrNotExist) {
		return Root{}, fmt.Errorf("%w: %s: %w", labs.ErrNoImage, name, err)
	}
	if err != nil {
		return Root{}, fmt.Errorf("read image %s: %w", name, err)
	}
	var r Root
	if err := json.Unmarshal(raw, &r); err != nil {
		return Root{}, fmt.Errorf("read image %s: %w", name, err)
	}
	r.Name, r.Path = name, filepath.Join(s.dir, dir, "root")
	return r, nil
}

// install makes the tree with the given digest if it isn't there, and gives it
// its name and those in also. fill writes into an empty folder, which becomes
// the tree in one rename; two installs wait for each other.
func (s *Store) install(done <-chan struct{}, r Root, fill func(root string) error, also ...string) (Root, error) {
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
	for _, name := range append([]string{r.Name}, also...) {
		if err := s.tag(name, dir); err != nil {
			return Root{}, err
		}
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
