package privatepg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cloudmastershub/cmh/words"
)

// Find reports which PostgreSQL this machine would run: the directory of its
// binaries, and the user it would run as ("" is ourselves).
func Find() (bin, as string, err error) {
	if bin, err = findBin(""); err != nil {
		return "", "", err
	}
	o, err := unprivileged()
	if o != nil {
		as = o.name
	}
	return bin, as, err
}

// findBin finds the directory of initdb and postgres.
func findBin(given string) (string, error) {
	if given == "" {
		given = os.Getenv("CMH_PG_BIN")
	}
	if given != "" {
		if !hasServer(given) {
			return "", errors.New(words.Kept("there is no initdb and postgres in %s (CMH_PG_BIN)", given))
		}
		return given, nil
	}
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	if p, err := exec.LookPath("initdb"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	for _, d := range dirs {
		if hasServer(d) {
			return d, nil
		}
	}
	return "", errors.New(words.Mark("no PostgreSQL found on this machine: install one (Debian: apt-get install postgresql), " +
		"or set CMH_PG_BIN to the directory of its binaries, or CMH_DATABASE_URL to a running one"))
}

func version(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

func hasServer(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if i, err := os.Stat(filepath.Join(dir, name)); err != nil || i.IsDir() {
			return false
		}
	}
	return true
}

// lock takes the lock file, which a killed holder may free a moment late.
func lock(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(2 * time.Second)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		select {
		case <-tick.C:
			continue
		case <-limit:
			if errors.Is(err, syscall.EWOULDBLOCK) {
				err = ErrRunning
			}
		case <-ctx.Done():
			err = ctx.Err()
		}
		_ = f.Close()
		return nil, err
	}
}

// owner is the user that postgres runs as, when that is not ourselves.
type owner struct {
	name     string
	uid, gid int
}

// unprivileged finds a user for postgres, which refuses to run as root. Nobody
// but root needs one: nil is ourselves.
func unprivileged() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil {
			return &owner{name, uid, gid}, nil
		}
	}
	return nil, errors.New(words.Mark("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as"))
}

func (o *owner) credential() *syscall.Credential {
	if o == nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
}

// own gives a directory to postgres, closed to others.
func (o *owner) own(dir string) error {
	if err := os.Chmod(dir, 0o700); err != nil || o == nil {
		return err
	}
	return os.Lchown(dir, o.uid, o.gid)
}

// write makes a file that postgres can read and others cannot.
func (o *owner) write(path string, content []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if o != nil {
		if err := f.Chown(o.uid, o.gid); err != nil {
			_ = f.Close()
			return err
		}
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// reaches reports a directory above dir that postgres cannot traverse.
func (o *owner) reaches(dir string) error {
	if o == nil {
		return nil
	}
	for d := filepath.Dir(dir); ; d = filepath.Dir(d) {
		i, err := os.Stat(d)
		if err != nil {
			return err
		}
		bit := os.FileMode(0o001)
		if st, ok := i.Sys().(*syscall.Stat_t); ok && int(st.Uid) == o.uid {
			bit = 0o100
		} else if ok && int(st.Gid) == o.gid {
			bit = 0o010
		}
		if i.Mode()&bit == 0 {
			return errors.New(words.Kept("the user %s, which the database runs as, cannot enter %s: choose a data directory elsewhere, such as /var/lib/cmh (CMH_DATA_DIR)", o.name, d))
		}
		if d == "/" {
			return nil
		}
	}
}

// socketDir is below dir unless that makes the socket's name too long for the
// kernel, which takes 107 bytes.
func socketDir(dir string) string {
	if d := filepath.Join(dir, "run"); len(d)+len("/.s.PGSQL.5432.lock") <= 107 {
		return d
	}
	sum := sha256.Sum256([]byte(dir))
	base := os.Getenv("XDG_RUNTIME_DIR")
	if base == "" || os.Geteuid() == 0 {
		base = os.TempDir()
	}
	return filepath.Join(base, "cmh-pg-"+hex.EncodeToString(sum[:6]))
}

// makeSocketDir makes it, and refuses one that somebody else has put there.
func (s *Server) makeSocketDir() error {
	if err := os.Mkdir(s.socket, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	i, err := os.Lstat(s.socket)
	if err != nil {
		return err
	}
	want := os.Geteuid()
	if s.as != nil {
		want = s.as.uid
	}
	st, ok := i.Sys().(*syscall.Stat_t)
	if !i.IsDir() || !ok || (int(st.Uid) != want && int(st.Uid) != os.Geteuid()) {
		return fmt.Errorf("%s is not ours: remove it", strings.TrimSpace(s.socket))
	}
	return s.as.own(s.socket)
}
