package labs

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

// preload is read by the loader before anything else, and in no image.
const preload = "/etc/ld.so.preload"

// searchPath is what a check finds its tools on, unless the lab says otherwise.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Bounds of what is read of an image for one check: hostile images too hold
// programs.
const (
	maxProgram = 256 << 20
	maxRelied  = 400
)

// relied are the files of the image that a check relies on, with what they must
// be: its interpreter, the tools it calls that the image has, and what these
// load. What the image doesn't have is the learner's own work.
func (e *Engine) relied(ctx context.Context, id string, sc *scenario.Scenario, n int, script scenario.Script) ([]proto.Relied, error) {
	o, ok := e.Driver.(Original)
	if !ok || sc.Steps[n-1].LearnersTools {
		return nil, nil
	}
	t, err := o.Original(ctx, id)
	if err != nil {
		return nil, err
	}
	search := cmp.Or(sc.Env["PATH"], t.Path, searchPath)
	names := append(script.Interpreter(), script.Tools()...)
	names = slices.DeleteFunc(names, func(name string) bool { return setUpBySteps(sc, n, name) })
	return e.originals.of(t, search, names), nil
}

// setUpBySteps reports whether the set-up of a step up to n speaks of the file:
// then the author may have changed it while the learner was there.
func setUpBySteps(sc *scenario.Scenario, n int, name string) bool {
	base := []byte("/" + path.Base(name))
	for _, st := range sc.Steps[:n] {
		for _, s := range append(slices.Clone(st.Background), st.Foreground...) {
			for rest := s.Source; ; {
				at := bytes.Index(rest, base)
				if at < 0 {
					break
				}
				if rest = rest[at+len(base):]; !wordGoesOn(rest) {
					return true
				}
			}
		}
	}
	return false
}

func wordGoesOn(rest []byte) bool {
	return len(rest) > 0 && (rest[0] == '-' || rest[0] == '_' || rest[0] == '.' || rest[0] == '/' ||
		rest[0] >= '0' && rest[0] <= '9' || rest[0] >= 'a' && rest[0] <= 'z' || rest[0] >= 'A' && rest[0] <= 'Z')
}

// setsUp reports whether the author may change the machine before the learner
// comes.
func setsUp(sc *scenario.Scenario) bool {
	return len(sc.Intro.Background)+len(sc.Intro.Foreground)+sc.AssetCount > 0
}

// remember has the agent take what the intro's set-up has changed for good: no
// learner was there yet.
func (e *Engine) remember(ctx context.Context, s *Sandbox, id string, sc *scenario.Scenario) error {
	if !setsUp(sc) {
		return nil
	}
	var all []proto.Relied
	seen := map[string]bool{}
	for n, st := range sc.Steps {
		for _, c := range st.Asked() {
			relied, err := e.relied(ctx, id, sc, n+1, c.Script)
			if err != nil {
				return err
			}
			for _, r := range relied {
				if k := r.Name; !seen[k] {
					seen[k] = true
					r.Accept = nil
					all = append(all, r)
				}
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return s.Remember(ctx, all)
}

// originals knows files of images by what they hold. Images never change, so
// neither does what was read once. Its zero value is ready.
type originals struct {
	mu    sync.Mutex
	lists map[string][]proto.Relied
	sums  map[string]string
}

// of lists the files behind names, and all that they load.
func (o *originals) of(t Tree, search string, names []string) []proto.Relied {
	key := t.Digest + "\x00" + search + "\x00" + strings.Join(names, "\x00")
	o.mu.Lock()
	defer o.mu.Unlock()
	if list, ok := o.lists[key]; ok {
		return list
	}
	if o.lists == nil || len(o.lists) > 4096 {
		o.lists, o.sums = map[string][]proto.Relied{}, map[string]string{}
	}
	r := reliance{o: o, t: t, seen: map[string]bool{}}
	r.none(preload)
	for _, name := range names {
		r.program(name, search)
	}
	o.lists[key] = r.list
	return r.list
}

// reliance collects one list.
type reliance struct {
	o    *originals
	t    Tree
	list []proto.Relied
	seen map[string]bool
}

// none is for a file that must not be there, or be the image's.
func (r *reliance) none(name string) {
	relied := proto.Relied{Name: name}
	if f, ok := r.file(name); ok {
		relied.Accept = []proto.File{f}
	}
	r.list = append(r.list, relied)
}

// program adds a program by name or path, if the image has it.
func (r *reliance) program(name, search string) {
	if r.seen[name] || len(r.list) > maxRelied {
		return
	}
	r.seen[name] = true
	places := []string{name}
	if !strings.HasPrefix(name, "/") {
		places = nil
		for dir := range strings.SplitSeq(search, ":") {
			places = append(places, path.Join("/", dir, name))
		}
	}
	for _, p := range places {
		f, ok := r.file(p)
		if !ok || !r.executable(f.Path) {
			continue
		}
		r.list = append(r.list, proto.Relied{Name: name, Accept: []proto.File{f}})
		r.loads(f.Path, search)
		return
	}
}

// loads adds what the kernel and the loader bring in for a file.
func (r *reliance) loads(file, search string) {
	raw, err := os.Open(r.host(file))
	if err != nil {
		return
	}
	defer raw.Close()
	head := make([]byte, 256)
	n, _ := io.ReadFull(raw, head)
	if line, ok := strings.CutPrefix(string(head[:n]), "#!"); ok {
		line, _, _ = strings.Cut(line, "\n")
		for _, word := range strings.Fields(line)[:min(2, len(strings.Fields(line)))] {
			r.program(word, search)
		}
		return
	}
	for _, name := range needed(raw) {
		if strings.HasPrefix(name, "/") {
			r.program(name, search)
		} else {
			r.library(name, search)
		}
	}
}

// needed are the loader of an ELF file, as a path, and its libraries. Files that
// are no such thing need nothing; nor do those that the library chokes on.
func needed(file io.ReaderAt) (names []string) {
	defer func() {
		if recover() != nil {
			names = nil
		}
	}()
	f, err := elf.NewFile(file)
	if err != nil {
		return nil
	}
	names, _ = f.ImportedLibraries()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP || p.Filesz > 4096 {
			continue
		}
		if b, err := io.ReadAll(p.Open()); err == nil {
			names = append(names, string(bytes.TrimRight(b, "\x00")))
		}
	}
	return names
}

// libraryDirs are where loaders look; the agent looks there too.
var libraryDirs = []string{"/lib/*-linux-gnu", "/usr/lib/*-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"}

// library adds a library by what programs call it, wherever the image has it.
func (r *reliance) library(name, search string) {
	if r.seen["lib "+name] || len(r.list) > maxRelied || name != path.Base(name) {
		return
	}
	r.seen["lib "+name] = true
	relied := proto.Relied{Name: name, Lib: true}
	for _, pattern := range libraryDirs {
		dirs := []string{pattern}
		if strings.Contains(pattern, "*") {
			dirs = r.glob(pattern)
		}
		for _, dir := range dirs {
			for _, sub := range append([]string{dir}, r.glob(dir+"/glibc-hwcaps/*")...) {
				if f, ok := r.file(path.Join(sub, name)); ok && !slices.Contains(relied.Accept, f) {
					relied.Accept = append(relied.Accept, f)
				}
			}
		}
	}
	if len(relied.Accept) == 0 {
		return
	}
	r.list = append(r.list, relied)
	for _, f := range relied.Accept {
		r.loads(f.Path, search)
	}
}

// glob lists the image's names that a pattern of one directory matches.
func (r *reliance) glob(pattern string) (names []string) {
	dir, err := follow(r.t, path.Dir(pattern))
	if err != nil {
		return nil
	}
	entries, _ := os.ReadDir(r.host(dir))
	for _, e := range entries {
		if ok, _ := path.Match(path.Base(pattern), e.Name()); ok {
			names = append(names, path.Join(path.Dir(pattern), e.Name()))
		}
	}
	return names
}

// file is an ordinary file of the image, its links followed.
func (r *reliance) file(name string) (proto.File, bool) {
	real, err := follow(r.t, name)
	if err != nil || r.t.Usr != "" && strings.HasPrefix(real, "/usr/local/") { // covered there
		return proto.File{}, false
	}
	key := r.t.Digest + real
	if sum, ok := r.o.sums[key]; ok {
		return proto.File{Path: real, Sum: sum}, true
	}
	st, err := os.Lstat(r.host(real))
	if err != nil || !st.Mode().IsRegular() || st.Size() > maxProgram {
		return proto.File{}, false
	}
	f, err := os.Open(r.host(real))
	if err != nil {
		return proto.File{}, false
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return proto.File{}, false
	}
	sum := hex.EncodeToString(h.Sum(nil))
	r.o.sums[key] = sum
	return proto.File{Path: real, Sum: sum}, true
}

func (r *reliance) executable(real string) bool {
	st, err := os.Lstat(r.host(real))
	return err == nil && st.Mode()&0o111 != 0
}

func (r *reliance) host(name string) string { return hostPath(r.t, name) }

// hostPath is where a file of the image lies on this host. Only what follow
// returned may be opened: a link in it leads out of the image.
func hostPath(t Tree, name string) string {
	if rest, ok := strings.CutPrefix(name, "/usr"); ok && t.Usr != "" && (rest == "" || rest[0] == '/') {
		return filepath.Join(t.Usr, rest)
	}
	return filepath.Join(t.Dir, name)
}

// follow resolves name within the image. No link leaves it.
func follow(t Tree, name string) (string, error) {
	todo, done := strings.Split(strings.Trim(name, "/"), "/"), "/"
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done = path.Dir(done)
			continue
		}
		at := path.Join(done, part)
		st, err := os.Lstat(hostPath(t, at))
		if err != nil {
			return "", err
		}
		if st.Mode()&fs.ModeSymlink == 0 {
			done = at
			continue
		}
		to, err := os.Readlink(hostPath(t, at))
		if links++; err != nil || links > 40 {
			return "", errors.New("too many links")
		}
		if strings.HasPrefix(to, "/") {
			done = "/"
		}
		todo = append(strings.Split(to, "/"), todo...)
	}
	return done, nil
}
