package httpapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A coding is a form in which a body is sent.
type coding int

// The codings, the one that we like best last.
const (
	plain coding = iota
	gzipped
	zstandard
	codings
)

var codingNames = [codings][]string{{"identity"}, {"gzip"}, {"zstd"}}

// minCompress is the size of a body from which compressing pays.
const minCompress = 1024

// codingOf is the best form that an Accept-Encoding header takes: what it gives
// the most weight, and of those the one that we like best. What it doesn't name has
// the weight of *, but for the plain one, which is then there for want of others.
func codingOf(header string) coding {
	if header == "gzip" {
		return gzipped
	}
	const unnamed = -1.0
	given, others := [codings]float64{unnamed, unnamed, unnamed}, 0.0
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		name = strings.TrimSpace(name)
		if name == "*" {
			others = weight(params)
		}
		for c, known := range codingNames {
			if strings.EqualFold(name, known[0]) {
				given[c] = max(given[c], weight(params))
			}
		}
	}
	best, most := plain, max(given[plain], 0)
	for c := gzipped; c < codings; c++ {
		q := given[c]
		if q == unnamed {
			q = others
		}
		if q > 0 && q >= most {
			best, most = c, q
		}
	}
	return best
}

// weight is the one that the parameters of a coding give it: 0 refuses it, and 1 is
// what it has without.
func weight(params string) float64 {
	if params == "" {
		return 1
	}
	_, given, ok := strings.Cut(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(given, 64)
	if err != nil || q < 0 || q > 1 {
		return 1
	}
	return q
}

// packed is a body in every form that it is sent in, each with its headers: an
// answer that is given again and again costs no more than copying it. A form is
// made when it is first asked for. Nobody changes the lists.
type packed struct {
	plain []byte
	tag   [codings][]string
	cache []string // Cache-Control; nil means forOne
	lines [codings][]byte
	forms [codings]packedForm
}

type packedForm struct {
	once   sync.Once
	body   []byte
	length []string
}

func pack(body []byte, cache []string) *packed {
	p := &packed{plain: body, cache: cache}
	if cache == nil {
		p.cache = forOne
	}
	for c := range p.tag {
		p.tag[c] = []string{etag(body, coding(c))}
		for _, v := range variesCoding {
			p.lines[c] = appendLine(p.lines[c], "Vary", v)
		}
		p.lines[c] = appendLine(appendLine(p.lines[c], "Etag", p.tag[c][0]), "Cache-Control", p.cache[0])
	}
	return p
}

func (p *packed) form(as coding) (body []byte, length []string) {
	f := &p.forms[as]
	f.once.Do(func() {
		if f.body = p.plain; as != plain {
			f.body = compressTo(as, p.plain, true)
		}
		f.length = []string{strconv.Itoa(len(f.body))}
	})
	return f.body, f.length
}

// etag names a body in one form. It is weak: another version of us may make
// other bytes of the same.
func etag(body []byte, as coding) string {
	sum := sha256.Sum256(body)
	tag := `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12])
	if as != plain {
		tag += "-" + codingNames[as][0]
	}
	return tag + `"`
}

func matches(header, tag string) bool {
	if header == "" {
		return false
	}
	for want := range strings.SplitSeq(header, ",") {
		want = strings.TrimSpace(want)
		if want == "*" || strings.TrimPrefix(want, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

var (
	gzips     = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}
	gzipsBest = sync.Pool{New: func() any {
		z, _ := gzip.NewWriterLevel(nil, gzip.BestCompression) // a level there is
		return z
	}}

	zstds     = sync.OnceValue(func() *zstd.Encoder { return newZstd(zstd.SpeedFastest) })
	zstdsBest = sync.OnceValue(func() *zstd.Encoder { return newZstd(zstd.SpeedBetterCompression) })
)

func newZstd(level zstd.EncoderLevel) *zstd.Encoder {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(2))
	if err != nil {
		panic(err) // the options fit each other
	}
	return z
}

// compressTo makes another form of a body: the smallest, for one that is kept.
func compressTo(as coding, body []byte, smallest bool) []byte {
	if as == zstandard {
		z := zstds
		if smallest {
			z = zstdsBest
		}
		return z().EncodeAll(body, nil)
	}
	pool := &gzips
	if smallest {
		pool = &gzipsBest
	}
	var b bytes.Buffer
	z := pool.Get().(*gzip.Writer)
	defer pool.Put(z)
	z.Reset(&b)
	_, _ = z.Write(body) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}
