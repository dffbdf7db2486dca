package main

import (
	wire "encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"
)

// cacheOf is a loader's cache of pairs of a name and a path.
func cacheOf(pairs ...string) []byte {
	const head, entry = 48, 24
	raw := make([]byte, head+len(pairs)/2*entry)
	copy(raw, "glibc-ld.so.cache1.1")
	wire.NativeEndian.PutUint32(raw[20:], uint32(len(pairs)/2))
	for i, text := range pairs {
		wire.NativeEndian.PutUint32(raw[head+i/2*entry+4+i%2*4:], uint32(len(raw)))
		raw = append(append(raw, text...), 0)
	}
	return raw
}

// behindOld is a cache with an empty one of the old format before it.
func behindOld(raw []byte) []byte {
	return append(append([]byte("ld.so-1.7.0\x00"), make([]byte, 4)...), raw...)
}

func TestParseCache(t *testing.T) {
	many := []string{}
	for range 65 {
		many = append(many, "libc.so.6", strings.Repeat("x", len(many)))
	}
	decoy := append(behindOld(nil), cacheOf("libc.so.6", "/lib/libc.so.6")...)
	wire.NativeEndian.PutUint32(decoy[12:], uint32(len(decoy)-16)/12+1)
	for len(decoy)%8 != 0 || len(decoy) < 16+12*int(wire.NativeEndian.Uint32(decoy[12:])) {
		decoy = append(decoy, 0)
	}
	decoy = append(decoy, cacheOf("libc.so.6", "/tmp/evil.so")...)
	for name, tt := range map[string]struct {
		raw  []byte
		want []string
	}{
		"nothing":                  {nil, nil},
		"no cache":                 {[]byte("text"), nil},
		"one":                      {cacheOf("libc.so.6", "/lib/libc.so.6", "libm.so.6", "/lib/libm.so.6"), []string{"/lib/libc.so.6"}},
		"two places":               {cacheOf("libc.so.6", "/a", "libc.so.6", "/b", "libc.so.6", "/a"), []string{"/a", "/b"}},
		"behind the old one":       {behindOld(cacheOf("libc.so.6", "/a")), []string{"/a"}},
		"behind one that looks so": {decoy, []string{"/tmp/evil.so"}},
		"an old one":               {behindOld(nil), odd},
		"the same number":          {cacheOf("libc.so.006", "/a", "libc.so.4294967302", "/b"), []string{"/a", "/b"}},
		"another number":           {cacheOf("libc.so.60", "/a", "libc.so.", "/b", "libc.so.6.1", "/c"), nil},
		"a name without an end":    {cacheOf("libc.so."+strings.Repeat("0", 300)+"6", "/a"), odd},
		"a path without an end":    {cacheOf("libc.so.6", strings.Repeat("/a", 5000)), odd},
		"too many places":          {cacheOf(many...), odd},
	} {
		if got := parseCache(tt.raw, "libc.so.6"); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func FuzzCache(f *testing.F) {
	f.Add(cacheOf("libc.so.6", "/lib/libc.so.6"), "libc.so.6")
	f.Add(behindOld(cacheOf("libm.so.6", "/lib/libm.so.6")), "libm.so.06")
	if raw, err := os.ReadFile(cacheFile); err == nil && len(raw) < maxCache {
		f.Add(raw, "libc.so.6")
	}
	f.Fuzz(func(t *testing.T, raw []byte, name string) {
		if got := parseCache(raw, name); len(got) > 64 {
			t.Errorf("%d places", len(got))
		}
	})
}
