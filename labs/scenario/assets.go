package scenario

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/words"
)

// Caps on assets. The platforms documented 1 to 9 MB a file.
const (
	maxAsset  = 16 << 20
	maxAssets = 48 << 20 // of one scenario
)

// home is the home of the sandbox's main user.
const home = "/root"

// assets packs what details.assets names into tars that unpack at /, one a host.
func (r *reader) assets(s *Scenario, root *node) error {
	hosts := r.object(r.object(root, "details"), "assets")
	if hosts == nil {
		return nil
	}
	perHost := map[string]*packer{}
	size := int64(0)
	for _, host := range hosts.keys {
		entries := r.objects(hosts, host)
		name := strings.ToLower(host)
		for _, same := range platformNames {
			if slices.Contains(same, name) {
				name = same[0]
			}
		}
		if name == "client" || name == platformNames[0][0] || name == s.Hostname {
			name = ""
		}
		p := perHost[name]
		if p == nil {
			p = &packer{r: r, size: &size}
			p.tar = tar.NewWriter(&p.buf)
			perHost[name] = p
		}
		for _, e := range entries {
			if err := p.entry(e); err != nil {
				return err
			}
		}
		if name != "" {
			r.others = append(r.others, hostAssets{name, host, hosts, p})
		}
	}
	for _, p := range perHost {
		if err := p.tar.Close(); err != nil {
			return fmt.Errorf("pack the assets of %s: %w", r.dir, err)
		}
	}
	if p := perHost[""]; p != nil && p.count > 0 {
		s.Assets, s.AssetCount = p.buf.Bytes(), p.count
	}
	return nil
}

// hostAssets are the assets of a host that the scenario may turn out to have.
type hostAssets struct {
	host string // by its first name
	said string // as written
	at   *node
	*packer
}

// hostAssets gives the other hosts of s their assets.
func (r *reader) hostAssets(s *Scenario) {
	names := s.HostNames()
	for _, a := range r.others {
		n := slices.IndexFunc(names, func(of []string) bool { return slices.Contains(of, a.host) })
		if n < 1 {
			r.warn(a.at.file, a.at.line, "there is one host here; assets for %q are left out", a.said)
			continue
		}
		if a.count > 0 {
			s.Hosts[n-1].Assets = a.buf.Bytes()
			s.AssetCount += a.count
		}
	}
}

// packer writes the assets of one scenario.
type packer struct {
	r     *reader
	buf   bytes.Buffer
	tar   *tar.Writer
	count int
	size  *int64   // of all hosts' together
	under []string // every file below assets/, once a pattern asks
}

// source is one file to pack: where it lies, and its name below the target.
type source struct{ file, name string }

// entry packs one entry of the list.
func (p *packer) entry(e *node) error {
	ref, target, chmod := p.r.text(e, "file"), p.r.text(e, "target"), p.r.text(e, "chmod")
	if strings.TrimSpace(ref) == "" {
		p.r.warn(e.file, e.line, `an asset has no "file"`)
		return nil
	}
	sources := p.sources(ref)
	if len(sources) == 0 {
		p.r.warn(e.file, e.line, "the asset %q does not exist", ref)
		return nil
	}
	mode, err := chmodded(0o644, chmod)
	if err != nil {
		p.r.warn(e.file, e.line, "chmod: %s", err)
	}
	dir := targetDir(target)
	for _, src := range sources {
		to := path.Join(dir, src.name)
		if len(sources) == 1 && path.Base(dir) == src.name && path.Ext(src.name) != "" {
			to = dir // the author gave the whole path
		}
		if err := p.file(e, src.file, to, mode); err != nil {
			return err
		}
	}
	return nil
}

// targetDir is the absolute directory that target means.
func targetDir(target string) string {
	target = strings.TrimSpace(strings.ReplaceAll(target, `\`, "/"))
	switch {
	case target == "" || target == "~":
		return home
	case strings.HasPrefix(target, "~/"):
		target = home + target[1:]
	case !strings.HasPrefix(target, "/"):
		target = home + "/" + target
	}
	return path.Clean(target)
}

func (p *packer) file(e *node, file, to string, mode fs.FileMode) error {
	b, err := p.r.read(file, maxAsset, func(string) bool { return false })
	if err != nil {
		p.r.warn(e.file, e.line, "the asset %q %s", file, why(err))
		return nil
	}
	if *p.size += int64(len(b)); *p.size > maxAssets {
		return &Error{File: e.file, Line: e.line, Text: words.Kept("the assets are larger than %d MiB", maxAssets>>20)}
	}
	if bytes.HasPrefix(b, []byte("#!")) {
		p.r.programs = append(p.r.programs, string(b))
	}
	name := strings.TrimPrefix(to, "/")
	if name == "" || strings.ContainsRune(name, 0) {
		p.r.warn(e.file, e.line, "the target of %q is no place for a file", file)
		return nil
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(mode), Size: int64(len(b)), ModTime: time.Unix(0, 0)}
	if err := p.tar.WriteHeader(h); err != nil {
		p.r.warn(e.file, e.line, "the asset %q: %s", file, err)
		return nil
	}
	if _, err := p.tar.Write(b); err != nil {
		return fmt.Errorf("pack %s: %w", file, err)
	}
	p.count++
	return nil
}

// sources finds the files that ref names. A literal lands under its base name,
// matches of a pattern keep their path below assets/.
func (p *packer) sources(ref string) []source {
	ref = strings.TrimPrefix(strings.ReplaceAll(strings.TrimSpace(ref), `\`, "/"), "./")
	base := path.Join(p.r.dir, "assets")
	bare := strings.TrimLeft(ref, "/")
	if strings.Contains(ref, "*") {
		for _, pattern := range []string{bare, strings.TrimPrefix(bare, "assets/")} {
			form := globForm(pattern)
			var out []source
			for _, f := range p.below(base) {
				if rel := strings.TrimPrefix(f, base+"/"); form.MatchString(rel) {
					out = append(out, source{f, rel})
				}
			}
			if len(out) > 0 {
				return out
			}
		}
		return nil
	}
	places := []string{
		path.Join(base, bare), path.Join(base, strings.TrimPrefix(bare, "assets/")), path.Join(p.r.dir, bare),
	}
	for _, place := range places {
		if !fs.ValidPath(place) || !within(p.r.dir, place) {
			continue
		}
		real, err := resolve(p.r.fsys, place)
		if err != nil {
			continue
		}
		info, err := fs.Stat(p.r.fsys, real)
		if err != nil {
			continue
		}
		if !info.IsDir() {
			return []source{{place, path.Base(place)}}
		}
		if place == base || place == p.r.dir {
			continue
		}
		var out []source
		for _, f := range p.walk(real) {
			out = append(out, source{f, path.Join(path.Base(place), strings.TrimPrefix(f, real+"/"))})
		}
		return out
	}
	return nil
}

// below lists the files of the assets directory, hidden ones included.
func (p *packer) below(base string) []string {
	if p.under == nil {
		p.under = p.walk(base)
	}
	return p.under
}

func (p *packer) walk(dir string) []string {
	files := []string{}
	// What cannot be listed has no files.
	_ = fs.WalkDir(p.r.fsys, dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir
		case d.Type()&fs.ModeSymlink != 0:
			if real, err := resolve(p.r.fsys, name); err == nil {
				if info, err := fs.Stat(p.r.fsys, real); err == nil && info.Mode().IsRegular() {
					files = append(files, name)
				}
			}
		case d.Type().IsRegular():
			files = append(files, name)
		}
		return nil
	})
	slices.Sort(files)
	return files
}

// globForm is a pattern in which * stays within one name and ** does not.
func globForm(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("^")
	for i := 0; i < len(pattern); i++ {
		switch {
		case strings.HasPrefix(pattern[i:], "**/"):
			b.WriteString("(?:.*/)?")
			i += 2
		case strings.HasPrefix(pattern[i:], "**"):
			b.WriteString(".*")
			i++
		case pattern[i] == '*':
			b.WriteString("[^/]*")
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	b.WriteString("$")
	form, err := regexp.Compile("(?s)" + b.String())
	if err != nil { // bytes that are no UTF-8 match nothing
		return regexp.MustCompile(`$.^`)
	}
	return form
}

var symbolic = regexp.MustCompile(`^([ugoa]*)((?:[-+=][rwxX]*)+)$`)

// chmodded is what chmod(1) makes of mode under a umask of 022.
func chmodded(mode fs.FileMode, how string) (fs.FileMode, error) {
	how = strings.TrimSpace(how)
	if how == "" {
		return mode, nil
	}
	if octal, err := strconv.ParseUint(how, 8, 12); err == nil {
		return fs.FileMode(octal & 0o777), nil
	}
	out := mode
	for clause := range strings.SplitSeq(how, ",") {
		m := symbolic.FindStringSubmatch(strings.TrimSpace(clause))
		if m == nil {
			return mode, fmt.Errorf("%q is no mode", how)
		}
		out = apply(out, m[1], m[2])
	}
	return out, nil
}

func apply(mode fs.FileMode, who, changes string) fs.FileMode {
	mask := fs.FileMode(0)
	for _, w := range who {
		mask |= map[rune]fs.FileMode{'u': 0o700, 'g': 0o070, 'o': 0o007, 'a': 0o777}[w]
	}
	allowed := mask
	if who == "" {
		mask, allowed = 0o777, 0o777&^0o022
	}
	op := byte(0)
	for i := 0; i < len(changes); i++ {
		var bits fs.FileMode
		switch changes[i] {
		case '+', '-', '=':
			if op = changes[i]; op == '=' {
				mode &^= mask
			}
			continue
		case 'r':
			bits = 0o444
		case 'w':
			bits = 0o222
		case 'x':
			bits = 0o111
		case 'X':
			if mode&0o111 != 0 {
				bits = 0o111
			}
		}
		if op == '-' {
			mode &^= bits & allowed
		} else {
			mode |= bits & allowed
		}
	}
	return mode
}
