package offline

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/lockfile"
)

const (
	mostKept = 64 << 20 // bytes of one account
	mostFile = 16 << 20 // no answer of the hub's is larger
)

// Cache is a client.Cache on disk: a file for each answer, whose time is when
// the hub last confirmed it.
type Cache struct {
	dir, language string
	now           func() time.Time

	mu     sync.Mutex
	oldest time.Time // of what was answered with since the hub was last reached
	puts   int
}

// OpenCache returns the cache of a place; the zero place keeps nothing. Nothing
// is made yet.
func OpenCache(p Place) *Cache { return &Cache{dir: p.Cache, language: p.Language, now: time.Now} }

func (c *Cache) account(token string) string { return filepath.Join(c.dir, Account(token), c.language) }

func (c *Cache) file(token, path string) string {
	return filepath.Join(c.account(token), digest(path)+".json")
}

// head is the first line of a file; the answer follows.
type head struct {
	Path string `json:"path"`
	ETag string `json:"etag"`
	Link string `json:"link,omitempty"`
	Size int    `json:"size"`
	Sum  uint32 `json:"sum"` // CRC-32 of the answer
}

var errDamaged = errors.New("damaged")

// parse reads a file that anything may have happened to.
func parse(file []byte) (head, []byte, error) {
	var h head
	line, body, ok := bytes.Cut(file, []byte("\n"))
	if !ok || json.Unmarshal(line, &h) != nil || h.Size != len(body) || crc32.ChecksumIEEE(body) != h.Sum || !json.Valid(body) {
		return head{}, nil, errDamaged
	}
	return h, body, nil
}

// Get implements client.Cache.
func (c *Cache) Get(token, path string) (client.Kept, bool) {
	if c.dir == "" {
		return client.Kept{}, false
	}
	name := c.file(token, path)
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > mostFile {
		return client.Kept{}, false
	}
	file, err := lockfile.ReadFile(name)
	if err != nil {
		return client.Kept{}, false
	}
	h, body, err := parse(file)
	if err != nil || h.Path != path {
		_ = os.Remove(name)
		return client.Kept{}, false
	}
	return client.Kept{ETag: h.ETag, Link: h.Link, Body: body}, true
}

// Near is the cache for a client that is Away. What that one answers with is
// shown as it is, so its age is noted; what others read is confirmed first.
func (c *Cache) Near() client.Cache { return near{c} }

type near struct{ *Cache }

func (n near) Get(token, path string) (client.Kept, bool) {
	k, ok := n.Cache.Get(token, path)
	if at := n.At(token, path); ok && !at.IsZero() {
		n.mu.Lock()
		if n.oldest.IsZero() || at.Before(n.oldest) {
			n.oldest = at
		}
		n.mu.Unlock()
	}
	return k, ok
}

// At is when the hub last confirmed what is kept; zero when nothing is.
func (c *Cache) At(token, path string) time.Time {
	info, err := os.Stat(c.file(token, path))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Put implements client.Cache.
func (c *Cache) Put(token, path string, k client.Kept) {
	if c.dir == "" || len(k.Body) > mostFile/2 {
		return
	}
	line, err := json.Marshal(head{path, k.ETag, k.Link, len(k.Body), crc32.ChecksumIEEE(k.Body)})
	if err != nil || os.MkdirAll(c.account(token), 0o700) != nil {
		return
	}
	_ = replace(c.file(token, path), slices.Concat(line, []byte("\n"), k.Body))
	c.mu.Lock()
	c.puts++
	full := c.puts%64 == 1
	c.mu.Unlock()
	if full {
		c.trim(c.account(token))
	}
}

// replace puts a file in place whole, or leaves the one that was there.
func replace(name string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if _, err = tmp.Write(content); err == nil {
		err = tmp.Sync()
	}
	if closing := tmp.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = lockfile.Replace(tmp.Name(), name)
	}
	return err
}

// Verified implements client.Cache.
func (c *Cache) Verified(token, path string) {
	now := c.now()
	_ = os.Chtimes(c.file(token, path), now, now)
}

// Refused implements client.Cache. Who is refused one text has lost a right that
// others hang on: all texts go, and those that are still theirs come again. Whose
// key is nobody's any more has nothing here. The token of a sign-in only runs out;
// that the sign-in has ended is found out when it is renewed.
func (c *Cache) Refused(token, path string, code hub.Code) {
	if code == hub.Unauthenticated {
		if subject(token) == "" {
			c.Forget(token)
		}
		return
	}
	_ = os.Remove(c.file(token, path))
	if code == hub.Forbidden && isText(path) {
		c.DropTexts(token)
	}
}

func isText(path string) bool {
	return strings.HasPrefix(path, "/v1/courses/") && strings.Contains(path, "/lessons/")
}

// DropTexts removes the lessons that are kept for an account.
func (c *Cache) DropTexts(token string) {
	if c.dir == "" {
		return
	}
	// In every language that they were read in.
	_ = filepath.WalkDir(filepath.Join(c.dir, Account(token)), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // what isn't there needn't go
		}
		if file, err := lockfile.ReadFile(name); err == nil {
			if h, _, err := parse(file); err != nil || isText(h.Path) {
				_ = os.Remove(name)
			}
		}
		return nil
	})
}

// Forget removes what is kept for an account.
func (c *Cache) Forget(token string) {
	if c.dir != "" {
		_ = os.RemoveAll(filepath.Join(c.dir, Account(token)))
	}
}

// Oldest is when the oldest answer that this process got from the cache, since it
// last reached the hub, was confirmed; zero when there was none.
func (c *Cache) Oldest() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.oldest
}

// Fresh forgets what Oldest tells of: what was answered with until now.
func (c *Cache) Fresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.oldest = time.Time{}
}

// trim removes what was confirmed longest ago, until an account's files fit; and
// what a process that was killed has left half written.
func (c *Cache) trim(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	var all []fs.FileInfo
	var sum int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		if strings.HasPrefix(e.Name(), ".new-") && c.now().Sub(info.ModTime()) > time.Hour {
			_ = os.Remove(filepath.Join(dir, e.Name()))
			continue
		}
		all, sum = append(all, info), sum+info.Size()
	}
	// Every program has sort.Slice once, and slices.SortFunc, 20 kB of it, for each type.
	sort.Slice(all, func(i, j int) bool { return all[i].ModTime().Before(all[j].ModTime()) })
	for _, info := range all {
		if sum <= mostKept {
			return
		}
		_ = os.Remove(filepath.Join(dir, info.Name()))
		sum -= info.Size()
	}
}
