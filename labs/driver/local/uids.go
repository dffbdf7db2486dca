package local

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/words"
)

// Every sandbox of root's has 65536 uids of its own, from a stretch that
// systemd and /etc/subuid leave alone.
const (
	uidFolder = ".uids"
	uidBase   = 0x70000000
	uidWidth  = 65536
	uidRanges = 4090
)

// An idMap says how uids inside a sandbox map to the host's.
type idMap struct {
	root bool // a range per sandbox; else the fields below, the same for all

	uid, gid       int // of the user, who is root inside
	subUID, subGID int // first of the delegated range for uids 1 and up; 0: none
	width          int
}

func (m idMap) wide() bool { return m.root || m.subUID != 0 }

func findIDMap() (idMap, error) {
	m := idMap{root: os.Geteuid() == 0, uid: os.Geteuid(), gid: os.Getegid()}
	if m.root {
		return m, nil
	}
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(tool); err != nil {
			return m, nil //nolint:nilerr // one uid then, and Probe says so
		}
	}
	name := strconv.Itoa(m.uid)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	uid, wu := delegated("/etc/subuid", name, m.uid)
	gid, wg := delegated("/etc/subgid", name, m.uid)
	if w := min(wu, wg, uidWidth-1); w >= 1000 {
		m.subUID, m.subGID, m.width = uid, gid, w
	}
	return m, nil
}

// delegated is the first range that file gives to the user.
func delegated(file, name string, uid int) (first, width int) {
	f, err := os.Open(file)
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		p := strings.Split(sc.Text(), ":")
		if len(p) != 3 || p[0] != name && p[0] != strconv.Itoa(uid) {
			continue
		}
		first, err1 := strconv.Atoi(p[1])
		width, err2 := strconv.Atoi(p[2])
		if err1 == nil && err2 == nil {
			return first, width
		}
	}
	return 0, 0
}

// findRanges says which uids root's sandboxes have, and whether others were
// given some of them in the files that delegate ranges.
func findRanges(files ...string) (detail string, free bool) {
	first, last := uidBase, uidBase+uidRanges*uidWidth-1
	detail = words.Kept("%d, a range of its own for each of %d sandboxes, from %d on", uidWidth, uidRanges, first)
	for _, file := range files {
		raw, _ := os.ReadFile(file)
		for line := range strings.Lines(string(raw)) {
			p := strings.Split(strings.TrimSpace(line), ":")
			if len(p) != 3 {
				continue
			}
			theirs, err1 := strconv.Atoi(p[1])
			width, err2 := strconv.Atoi(p[2])
			if err1 == nil && err2 == nil && theirs <= last && theirs+width > first {
				return words.Kept("%d, a range of its own for each of %d sandboxes, from %d on; %s gives some of them to %s", uidWidth, uidRanges, first, file, p[0]), false
			}
		}
	}
	return detail, true
}

// take reserves a range for id; the file that marks it is shared by all
// processes of one state folder.
func (m idMap) take(state, id string, from int) (n int, err error) {
	if !m.root {
		return 0, nil
	}
	used := map[string]bool{}
	entries, err := os.ReadDir(filepath.Join(state, uidFolder))
	if err != nil {
		return 0, fmt.Errorf("reserve uids: %w", err)
	}
	for _, e := range entries {
		used[e.Name()] = true
	}
	for i := range uidRanges {
		n := (from + i) % uidRanges
		if used[strconv.Itoa(n)] {
			continue
		}
		err := os.Symlink(id, filepath.Join(state, uidFolder, strconv.Itoa(n)))
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return 0, fmt.Errorf("reserve uids: %w", err)
		}
	}
	return 0, fmt.Errorf("%w: all %d uid ranges are in use", labs.ErrCapacity, uidRanges)
}

// free gives a range back, if it is id's.
func (m idMap) free(state string, n int, id string) {
	mark := filepath.Join(state, uidFolder, strconv.Itoa(n))
	if owner, err := os.Readlink(mark); err == nil && owner == id {
		_ = os.Remove(mark)
	}
}

// freeAll gives back whatever is id's, where no record says what that is.
func (m idMap) freeAll(state, id string) {
	marks, _ := os.ReadDir(filepath.Join(state, uidFolder))
	for _, mark := range marks {
		if n, err := strconv.Atoi(mark.Name()); err == nil {
			m.free(state, n, id)
		}
	}
}

// sweep frees the ranges of sandboxes that no longer exist.
func (m idMap) sweep(state string, known map[string]bool) error {
	marks, err := os.ReadDir(filepath.Join(state, uidFolder))
	if err != nil {
		return fmt.Errorf("sweep uids: %w", err)
	}
	for _, mark := range marks {
		path := filepath.Join(state, uidFolder, mark.Name())
		owner, err := os.Readlink(path)
		if err != nil || known[owner] {
			continue
		}
		if _, err := os.Stat(filepath.Join(state, owner)); errors.Is(err, fs.ErrNotExist) {
			_ = os.Remove(path)
		}
	}
	return nil
}
