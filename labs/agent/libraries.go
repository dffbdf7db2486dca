package main

import (
	"bytes"
	wire "encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// libraryDirs are where the dynamic loaders look without being told. What is
// below glibc-hwcaps comes first where the processor fits.
var libraryDirs = []string{
	"/lib/*-linux-gnu", "/usr/lib/*-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib",
}

// libraries are the files that a program may get for a library's name. The
// loader's cache is asked too: it leads anywhere.
func libraries(name string) []string {
	if name != path.Base(name) {
		return nil
	}
	all := cached(name)
	for _, dir := range libraryDirs {
		for _, sub := range []string{"", "glibc-hwcaps/*"} {
			found, _ := filepath.Glob(path.Join(dir, sub, name))
			for _, p := range found {
				if !slices.Contains(all, p) {
					all = append(all, p)
				}
			}
		}
	}
	return all
}

const (
	cacheFile = "/etc/ld.so.cache"
	maxCache  = 4 << 20 // an honest one has a tenth
)

// openCache opens the loader's cache; seen is what that depends on.
func openCache() (f *os.File, seen trail, err error) {
	real, err := seen.follow(cacheFile)
	if err != nil {
		return nil, seen, err
	}
	f, err = openPlain(real)
	return f, seen, err
}

// odd is the place of a library when it can't be told: no library is like that.
var odd = []string{cacheFile}

// cached are the paths that the loader's cache has for a library.
func cached(name string) []string {
	f, _, err := openCache()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return odd
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Size() > maxCache {
		return odd
	}
	// Not by its name: what lies there now may be another thing.
	raw, err := io.ReadAll(io.NewSectionReader(f, 0, maxCache))
	if err != nil {
		return odd
	}
	return parseCache(raw, name)
}

// parseCache finds a library's paths in a cache as glibc does, in the format
// that it calls new, alone or behind the old one.
func parseCache(raw []byte, name string) (paths []string) {
	const (
		head, entry           = 48, 24
		oldHead, oldEntry     = 16, 12
		longestKey, longest   = 256, 4096
		maxPlaces             = 64
		newMagic, oldMagic    = "glibc-ld.so.cache1.1", "ld.so-1.7.0"
		countAt, oldCountAt   = 20, 12
		keyAt, valueAt, align = 4, 8, 8
	)
	if bytes.HasPrefix(raw, []byte(oldMagic)) && len(raw) >= oldHead {
		behind := oldHead + oldEntry*int64(wire.NativeEndian.Uint32(raw[oldCountAt:]))
		behind = (behind + align - 1) &^ (align - 1)
		if behind > int64(len(raw)) || !bytes.HasPrefix(raw[behind:], []byte(newMagic)) {
			return odd // of this century?
		}
		raw = raw[behind:]
	}
	if !bytes.HasPrefix(raw, []byte(newMagic)) || len(raw) < head {
		return nil // the loader ignores it
	}
	count := int64(wire.NativeEndian.Uint32(raw[countAt:]))
	for at := head; at+entry <= len(raw) && count > 0; at += entry {
		count--
		key, whole := textAt(raw, wire.NativeEndian.Uint32(raw[at+keyAt:]), longestKey)
		if !whole {
			return odd
		}
		if !sameLibrary(key, []byte(name)) {
			continue
		}
		value, whole := textAt(raw, wire.NativeEndian.Uint32(raw[at+valueAt:]), longest)
		if !whole || len(paths) == maxPlaces {
			return odd
		}
		if !slices.Contains(paths, string(value)) {
			paths = append(paths, string(value))
		}
	}
	return paths
}

// textAt is the text at an offset, none if that is outside; whole is false for
// one that is longer than it may be.
func textAt(raw []byte, offset uint32, longest int) (text []byte, whole bool) {
	if int64(offset) >= int64(len(raw)) {
		return nil, true
	}
	text, _, ended := bytes.Cut(raw[offset:min(int64(offset)+int64(longest), int64(len(raw)))], []byte{0})
	return text, ended
}

// sameLibrary compares as the loader does, to whom digits are a number: 6, 06
// and, since it is an int, 4294967302.
func sameLibrary(a, b []byte) bool {
	for len(a) > 0 && len(b) > 0 {
		if !digit(a[0]) || !digit(b[0]) {
			if a[0] != b[0] {
				return false
			}
			a, b = a[1:], b[1:]
			continue
		}
		var m, n int32
		m, a = number(a)
		n, b = number(b)
		if m != n {
			return false
		}
	}
	return len(a) == len(b)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func number(s []byte) (n int32, rest []byte) {
	for len(s) > 0 && digit(s[0]) {
		n = n*10 + int32(s[0]-'0')
		s = s[1:]
	}
	return n, s
}
