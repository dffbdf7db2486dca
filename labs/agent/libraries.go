package main

import (
	"bytes"
	wire "encoding/binary"
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

const cacheFile = "/etc/ld.so.cache"

// cached are the paths that the loader's cache has for a library. The format is
// glibc's "new" one, alone or behind the old one.
func cached(name string) (paths []string) {
	f, err := openPlain(cacheFile)
	if err != nil {
		return nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Size() > 16<<20 {
		return []string{cacheFile} // no honest one is so large
	}
	raw, err := os.ReadFile(f.Name())
	at := bytes.Index(raw, []byte("glibc-ld.so.cache1.1"))
	if err != nil || at < 0 || len(raw) < at+48 {
		return nil
	}
	raw = raw[at:]
	const head, entry = 48, 24
	count := int(wire.NativeEndian.Uint32(raw[20:]))
	text := func(offset uint32) string {
		if int(offset) >= len(raw) {
			return ""
		}
		s, _, _ := bytes.Cut(raw[offset:], []byte{0})
		return string(s)
	}
	for i := 0; i < count && head+(i+1)*entry <= len(raw); i++ {
		e := raw[head+i*entry:]
		if text(wire.NativeEndian.Uint32(e[4:])) == name {
			paths = append(paths, text(wire.NativeEndian.Uint32(e[8:])))
		}
	}
	return paths
}
