package main

import (
	"bytes"
	"crypto/sha256"
	wire "encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// A check runs in the learner's machine, with the tools that lie there, and the
// learner is root. A guard makes what is done to those tools show: each file is
// compared with what the host says it should be, and from then on held by a
// lease, watched by its directories, and compared again in the end.

// baseline is what a sandbox was before anybody could change it.
type baseline struct {
	mu     sync.Mutex
	since  time.Time // nobody but the author has changed anything before
	limits [16]unix.Rlimit
	files  map[string][]proto.File // by the name they were asked for
	asked  bool                    // remember was announced
}

// begin notes what no learner has touched yet.
func (b *baseline) begin() {
	b.since, b.files = time.Now(), map[string][]proto.File{}
	for i := range b.limits {
		_ = unix.Getrlimit(i, &b.limits[i])
	}
}

// lowered names a limit of ours that has changed: who is root inside may take
// process 1's down, and what a check starts inherits them.
func (b *baseline) lowered() string {
	for i, was := range b.limits {
		var now unix.Rlimit
		if unix.Getrlimit(i, &now) == nil && now.Max != was.Max {
			return fmt.Sprintf("limit %d of process 1", i)
		}
	}
	return ""
}

// remember takes the files as they are for good ones: once, and only where it
// was announced, with no names, when the sandbox was made. In a sandbox that was
// made of kept files a learner has been before.
func (a *agent) remember(relied []proto.Relied) {
	a.baseline.mu.Lock()
	announced := a.baseline.asked
	a.baseline.asked = len(relied) == 0
	a.baseline.mu.Unlock()
	if !announced {
		return
	}
	for _, r := range relied {
		var found []proto.File
		for _, p := range a.places(r) {
			var seen trail
			real, err := seen.follow(p)
			if err != nil {
				continue
			}
			if f, err := openPlain(real); err == nil {
				if sum, err := sumOf(f); err == nil {
					found = append(found, proto.File{Path: real, Sum: sum})
				}
				f.Close()
			}
		}
		if len(found) == 0 {
			found = []proto.File{{}} // it was absent
		}
		a.baseline.mu.Lock()
		a.baseline.files[key(r)] = found
		a.baseline.mu.Unlock()
	}
	a.baseline.mu.Lock()
	a.baseline.since = time.Now()
	a.baseline.mu.Unlock()
}

func (b *baseline) untouched() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since
}

func key(r proto.Relied) string {
	if r.Lib {
		return "lib " + r.Name
	}
	return r.Name
}

// accepted is what a file may be, here and now.
func (b *baseline) accepted(r proto.Relied) []proto.File {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append(slices.Clone(r.Accept), b.files[key(r)]...)
}

// sealed relies on the copy of a script being what was written.
func sealed(file string, source []byte) proto.Relied {
	sum := sha256.Sum256(bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n")))
	return proto.Relied{Name: file, Accept: []proto.File{{Path: file, Sum: hex.EncodeToString(sum[:])}}}
}

// A guard holds the files of one check.
type guard struct {
	a      *agent
	held   []held
	watch  *os.File
	names  map[int32]map[string]bool // what to look for in each watched directory
	relied []proto.Relied
}

type held struct {
	f      *os.File
	stamp  stamp
	leased bool
}

// stamp tells a file from another and from itself after a change. Nobody inside
// can set the time of the last change of an inode.
type stamp struct {
	dev, ino, size uint64
	ctime          unix.StatxTimestamp
}

func stampOf(f *os.File) (s stamp, err error) {
	var st unix.Statx_t
	if err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, &st); err != nil {
		return s, err
	}
	return stamp{unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino, st.Size, st.Ctime}, nil
}

// guard compares the files and holds them. changed names the first one that is
// not what it should be.
func (a *agent) guard(relied []proto.Relied) (g *guard, changed string) {
	g = &guard{a: a, names: map[int32]map[string]bool{}, relied: relied}
	defer func() {
		if changed != "" {
			g.end()
			g = nil
		}
	}()
	if l := a.baseline.lowered(); l != "" {
		return g, l + " was lowered"
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return g, "the files it relies on cannot be watched"
	}
	g.watch = os.NewFile(uintptr(fd), "watch")
	if slices.ContainsFunc(relied, func(r proto.Relied) bool { return r.Lib }) {
		if why := g.holdCache(); why != "" {
			return g, cacheFile + why
		}
	}
	for _, r := range relied {
		if why := g.hold(r); why != "" {
			return g, why
		}
	}
	return g, ""
}

// hold compares one file, and keeps it.
func (g *guard) hold(r proto.Relied) string {
	accept := g.a.baseline.accepted(r)
	found := 0
	for _, p := range g.a.places(r) {
		var seen trail
		real, err := seen.follow(p)
		if !g.look(seen) {
			return p + " cannot be watched"
		}
		if err != nil || g.a.searched(r) && !executable(p) {
			continue
		}
		f, err := openPlain(real)
		if err != nil {
			return p + " cannot be read"
		}
		if why := g.keep(f, r, proto.File{Path: real}, accept); why != "" {
			f.Close()
			return p + why
		}
		found++
	}
	if found == 0 && len(accept) > 0 && !slices.Contains(accept, proto.File{}) {
		return r.Name + " is gone"
	}
	return ""
}

// holdCache keeps the loader's cache, which says where libraries lie. What it
// says is nobody's to compare, since every installed package changes it; but it
// has to say the same until the end.
func (g *guard) holdCache() string {
	f, seen, err := openCache()
	if !g.look(seen) {
		return " cannot be watched"
	}
	if err == nil {
		// What was opened before the watch may be another one already.
		f.Close()
		f, _, err = openCache()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		return " cannot be read"
	}
	h, why := take(f)
	if why != "" {
		f.Close()
		return why
	}
	g.held = append(g.held, h)
	return ""
}

// keep takes a file under the lease and says what is wrong with it.
func (g *guard) keep(f *os.File, r proto.Relied, is proto.File, accept []proto.File) string {
	h, why := take(f)
	if why != "" {
		return why
	}
	var err error
	if is.Sum, err = sumOf(f); err != nil {
		return " cannot be read"
	}
	if !slices.Contains(accept, is) {
		return " is not the one that belongs there"
	}
	// A library that was open for writing in this sandbox may still be mapped so,
	// and change without a trace.
	mapped := r.Lib || strings.HasPrefix(path.Base(is.Path), "ld-")
	if mapped && time.Unix(h.stamp.ctime.Sec, int64(h.stamp.ctime.Nsec)).After(g.a.baseline.untouched()) {
		return " has been written to"
	}
	g.held = append(g.held, h)
	return ""
}

// take takes a file under a lease, and its stamp.
func take(f *os.File) (h held, why string) {
	leased, writer := lease(f)
	if writer {
		return h, " is open for writing"
	}
	s, err := stampOf(f)
	if err != nil {
		return h, " cannot be read"
	}
	return held{f, s, leased}, ""
}

// lease takes a read lease, which makes who opens the file for writing wait
// until the check is over, and shows us that they tried. Not every file system
// has leases; then the stamp has to do.
func lease(f *os.File) (leased, writer bool) {
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	return err == nil, errors.Is(err, unix.EAGAIN)
}

// look has the names on a trail watched, each in its directory. It fails where
// something would go unseen.
func (g *guard) look(seen trail) bool {
	const what = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_MODIFY | unix.IN_CLOSE_WRITE | unix.IN_ATTRIB |
		unix.IN_ONLYDIR | unix.IN_DONT_FOLLOW
	for dir, names := range seen.dirs {
		wd, err := unix.InotifyAddWatch(int(g.watch.Fd()), dir, what)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
			continue // there is nothing below it; its own name is watched
		}
		if err != nil {
			return false
		}
		if g.names[int32(wd)] == nil {
			g.names[int32(wd)] = map[string]bool{}
		}
		for _, name := range names {
			g.names[int32(wd)][name] = true
		}
	}
	return true
}

// changed says what was changed since guard.
func (g *guard) changed() string {
	if name := g.events(); name != "" {
		return name + " was changed while the check ran"
	}
	for _, h := range g.held {
		if h.leased {
			if kind, err := unix.FcntlInt(h.f.Fd(), unix.F_GETLEASE, 0); err != nil || kind != unix.F_RDLCK {
				return h.f.Name() + " was written to while the check ran"
			}
		}
		if s, err := stampOf(h.f); err != nil || s != h.stamp {
			return h.f.Name() + " was changed while the check ran"
		}
	}
	if l := g.a.baseline.lowered(); l != "" {
		return l + " was lowered"
	}
	again, why := g.a.guard(g.relied)
	if why != "" {
		return why
	}
	again.end()
	return ""
}

// events returns a watched name to which something has happened.
func (g *guard) events() string {
	buf := make([]byte, 16<<10)
	for {
		n, err := unix.Read(int(g.watch.Fd()), buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n <= 0 {
			return ""
		}
		for b := buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			wd, mask := int32(wire.NativeEndian.Uint32(b)), wire.NativeEndian.Uint32(b[4:])
			size := int(wire.NativeEndian.Uint32(b[12:]))
			name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+size]), "\x00")
			if mask&unix.IN_Q_OVERFLOW != 0 {
				return "something"
			}
			if g.names[wd][name] {
				return name
			}
			b = b[unix.SizeofInotifyEvent+size:]
		}
	}
}

// end lets the files go.
func (g *guard) end() {
	for _, h := range g.held {
		h.f.Close() // its lease with it
	}
	if g.watch != nil {
		g.watch.Close()
	}
}

// places are where a file may lie: all that exist must be good ones.
func (a *agent) places(r proto.Relied) []string {
	switch {
	case r.Lib:
		return libraries(r.Name)
	case strings.HasPrefix(r.Name, "/"):
		return []string{r.Name}
	}
	search := systemPath
	for _, kv := range a.environ(a.root(), nil) {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			search = v
		}
	}
	var all []string
	for dir := range strings.SplitSeq(search, ":") {
		if p := path.Join("/", dir, r.Name); dir != "" {
			all = append(all, p)
			if executable(p) {
				break
			}
		}
	}
	return all
}

// searched reports whether a name is looked for on PATH.
func (a *agent) searched(r proto.Relied) bool { return !r.Lib && !strings.HasPrefix(r.Name, "/") }

// maxLinks is how many links one path may lead through.
const maxLinks = 40

// A trail is what had to be looked up on the way to a file.
type trail struct{ dirs map[string][]string }

// follow resolves p, noting every name that it depends on.
func (t *trail) follow(p string) (string, error) {
	if t.dirs == nil {
		t.dirs = map[string][]string{}
	}
	todo, done := strings.Split(strings.TrimPrefix(p, "/"), "/"), "/"
	for links := 0; len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		if name == "" || name == "." {
			continue
		}
		if name == ".." {
			done = path.Dir(done)
			continue
		}
		t.dirs[done] = append(t.dirs[done], name)
		at := path.Join(done, name)
		info, err := os.Lstat(at)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = at
			continue
		}
		to, err := os.Readlink(at)
		if links++; err != nil || links > maxLinks {
			return "", fs.ErrInvalid
		}
		if strings.HasPrefix(to, "/") {
			done = "/"
		}
		todo = append(strings.Split(to, "/"), todo...)
	}
	return done, nil
}

// openPlain opens a regular file, and nothing that would make us wait.
func openPlain(p string) (*os.File, error) {
	fd, err := unix.Open(p, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), p)
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() || st.Size() > maxRelied {
		f.Close()
		return nil, fs.ErrInvalid
	}
	return f, nil
}

// maxRelied bounds what is read of one file.
const maxRelied = 256 << 20

func sumOf(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, maxRelied)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
