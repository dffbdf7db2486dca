package httpapi

import (
	"testing"
	"time"
)

func TestShowcaseForgets(t *testing.T) {
	t.Parallel()
	var s showcase
	made := time.Unix(1000, 0)
	is := func(fresh bool) func(time.Time, time.Duration) bool {
		return func(at time.Time, life time.Duration) bool { return fresh && at.Equal(made) && life == courseLife }
	}
	s.put(sight{"guest", "/v1/courses"}, shown{answer{Status: 200, packed: pack([]byte("[]"), nil)}, 1, made, courseLife})
	for _, tt := range []struct {
		name      string
		of        sight
		published int64
		fresh     bool
		want      bool
	}{
		{"the same again", sight{"guest", "/v1/courses"}, 1, true, true},
		{"another URL", sight{"guest", "/v1/courses?limit=1"}, 1, true, false},
		{"somebody who sees it otherwise", sight{"reads ", "/v1/courses"}, 1, true, false},
		{"after something was published", sight{"guest", "/v1/courses"}, 2, true, false},
		{"after its time", sight{"guest", "/v1/courses"}, 1, false, false},
	} {
		if _, ok := s.get(tt.of, tt.published, is(tt.fresh)); ok != tt.want {
			t.Errorf("%s: kept = %v", tt.name, ok)
		}
	}
}

func TestCodingOf(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]coding{
		"": plain, "identity": plain, "br": plain, "gzip": gzipped, "deflate, gzip": gzipped, "gzip;q=0": plain, "gzip; q=0.000, br": plain,
		"gzip;q=0.5": gzipped, "gzip, deflate, br, zstd": zstandard, "zstd;q=0, gzip": gzipped, "gzipped": plain, "zstd;q=zero": zstandard,
		"zstd;q=0.5, gzip": gzipped, "gzip;q=0.2, zstd;q=0.8": zstandard, "gzip;q=0.8,zstd;q=0.8": zstandard, "GZIP;Q=0.3": gzipped,
		"identity, gzip;q=0.2": plain, "gzip;q=0.2, identity;q=0.1": gzipped, "identity;q=0.5, gzip;q=0.5": gzipped, "identity;q=0": plain, "identity;q=0, gzip;q=0.1": gzipped,
		"*": zstandard, "*;q=0": plain, "*;q=0, gzip": gzipped, "zstd;q=0, *": gzipped, "gzip, *;q=0.5": gzipped, "gzip;q=0.2, *;q=0.5": zstandard, "identity, *;q=0.5": plain,
		"gzip;q=0, zstd;q=0, *": plain, "identity;q=0.5, *;q=0.5": zstandard,
	} {
		if got := codingOf(header); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}
