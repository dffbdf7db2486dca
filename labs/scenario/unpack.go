package scenario

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudmastershub/cmh/words"
)

// Limits bound an archive. A zero field takes the default written beside it.
type Limits struct {
	Files int   // 10,000
	Bytes int64 // 64 MiB unpacked
	Ratio int64 // 100 bytes unpacked for each packed one
}

func (l Limits) withDefaults() Limits {
	if l.Files == 0 {
		l.Files = 10_000
	}
	if l.Bytes == 0 {
		l.Bytes = 64 << 20
	}
	if l.Ratio == 0 {
		l.Ratio = 100
	}
	return l
}

// ratioFree is how much any archive may unpack to, however small it is.
const ratioFree = 1 << 20

// Unpack reads a tar.gz into memory and touches no disk. An archive that could
// do harm when unpacked by somebody else (names or links that leave it,
// devices, names that differ only in case, more or larger files than limits
// allow) is refused whole with an *Error; an error of r itself comes back
// wrapped. A single top directory, as "git
// archive" and download pages make it, becomes the root.
func Unpack(r io.Reader, limits Limits) (*Tree, error) {
	limits = limits.withDefaults()
	packed := &counter{r: r}
	zip, err := gzip.NewReader(packed)
	if err != nil {
		return nil, packed.explain(err)
	}
	u := unpacker{limits: limits, packed: packed, tree: newTree(), folded: map[string]string{}}
	plain := &counter{r: zip, check: u.sizes}
	if err := u.all(tar.NewReader(plain)); err != nil {
		return nil, err
	}
	// What follows the tar's end still has to be honest.
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return nil, packed.explain(err)
	}
	u.tree.singleTop()
	if err := u.tree.checkLinks(); err != nil {
		return nil, err
	}
	return u.tree, nil
}

type unpacker struct {
	limits Limits
	packed *counter
	tree   *Tree
	files  int
	folded map[string]string // every name, by its folded form
}

// counter counts what is read, and lets check look at it.
type counter struct {
	r     io.Reader
	n     int64
	err   error // of r, other than its end
	check func(int64) error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	if c.check != nil {
		if refused := c.check(c.n); refused != nil {
			return n, refused
		}
	}
	return n, err
}

func (u *unpacker) sizes(plain int64) error {
	// A tar has up to 1.5 KiB of its own for every file.
	if plain > u.limits.Bytes+int64(u.limits.Files)*1536 {
		return &Error{Text: words.Kept("The archive unpacks to more than %d MiB.", u.limits.Bytes>>20)}
	}
	if plain > ratioFree && plain > u.packed.n*u.limits.Ratio {
		return &Error{Text: words.Kept("The archive unpacks to more than %d times its size.", u.limits.Ratio)}
	}
	return nil
}

func (u *unpacker) all(t *tar.Reader) error {
	var total int64
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return u.packed.explain(err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue // git's note of the commit
		}
		if u.files++; u.files > u.limits.Files {
			return &Error{Text: words.Kept("The archive holds more than %d files.", u.limits.Files)}
		}
		name, err := u.name(h.Name)
		if err != nil {
			return err
		}
		if name == "." {
			continue
		}
		if total += max(h.Size, 0); total > u.limits.Bytes {
			return &Error{Text: words.Kept("The archive unpacks to more than %d MiB.", u.limits.Bytes>>20)}
		}
		if err := u.entry(t, h, name); err != nil {
			return err
		}
	}
}

func (u *unpacker) entry(t *tar.Reader, h *tar.Header, name string) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return u.tree.put(name, &file{dir: true})
	case tar.TypeReg:
		b, err := io.ReadAll(t)
		if err != nil {
			return u.packed.explain(err)
		}
		return u.tree.put(name, &file{data: b})
	case tar.TypeSymlink:
		if len(h.Linkname) > 4096 || strings.ContainsRune(h.Linkname, 0) {
			return refuse(name, "is a link to a place with an impossible name")
		}
		return u.tree.put(name, &file{link: h.Linkname})
	case tar.TypeLink:
		target, err := u.name(h.Linkname)
		if err != nil {
			return err
		}
		was := u.tree.files[target]
		if was == nil || was.dir {
			return refuse(name, "is a hard link to what is no file of the archive before it")
		}
		return u.tree.put(name, was)
	}
	return refuse(name, "is a device or something else that is no file")
}

// name checks the name of an entry and returns it in the form of io/fs.
func (u *unpacker) name(raw string) (string, error) {
	switch {
	case raw == "" || !utf8.ValidString(raw) || strings.ContainsRune(raw, 0) || len(raw) > 1024:
		return "", refuse(fmt.Sprintf("%.60q", raw), "has a name that is empty, too long or no UTF-8")
	case strings.ContainsFunc(raw, unicode.IsControl):
		return "", refuse(fmt.Sprintf("%.60q", raw), "has a control character in its name")
	case strings.HasPrefix(raw, "/") || drive(raw):
		return "", refuse(raw, "has an absolute name")
	case strings.Contains(raw, `\`):
		return "", refuse(raw, "has a backslash in its name")
	}
	for part := range strings.SplitSeq(raw, "/") {
		if part == ".." {
			return "", refuse(raw, `has ".." in its name`)
		}
	}
	name := path.Clean(raw)
	// Every directory on the way counts: A/x and a/x are twins, too.
	for at := name; at != "."; at = path.Dir(at) {
		fold := strings.ToLower(at)
		if was, ok := u.folded[fold]; ok && was != at {
			return "", refuse(at, fmt.Sprintf("differs from %s only in its capitals", was))
		}
		u.folded[fold] = at
	}
	return name, nil
}

func drive(s string) bool {
	return len(s) > 1 && s[1] == ':' && (s[0]|0x20) >= 'a' && (s[0]|0x20) <= 'z'
}

func refuse(name, text string) error {
	return &Error{Text: words.Kept("The archive is refused: %s %s.", name, text)}
}

// explain tells an archive that is broken from a reader that is.
func (c *counter) explain(err error) error {
	var known *Error
	switch {
	case errors.As(err, &known):
		return err
	case c.err != nil:
		return fmt.Errorf("read the archive: %w", c.err)
	}
	return &Error{Text: words.Kept("The archive is damaged, or it is no tar.gz.")}
}
