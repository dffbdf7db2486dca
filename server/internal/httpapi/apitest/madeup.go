package apitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Maker makes up requests out of the contract, the same ones for the same seed
// and the same answers: most of them fit it, some almost, some not at all.
type Maker struct {
	// Known are values that name something that is there, by the parameter or
	// the field that they are for. Learn adds to it.
	Known map[string][]string

	r   *rand.Rand
	ops []made
}

type made struct {
	method, path string
	params       openapi3.Parameters
	op           *openapi3.Operation
}

// Request is one that was made up.
type Request struct {
	Operation, Method, Target string
	Header                    http.Header
	Body                      string
}

// NewMaker returns a Maker for the operations that keep.
func NewMaker(t testing.TB, seed uint64, keep func(name string) bool) *Maker {
	t.Helper()
	m := &Maker{Known: map[string][]string{}, r: rand.New(rand.NewPCG(seed, seed))} //nolint:gosec // to be repeated, not to be secret
	items := Document(t).Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(items)) {
		ops := items[path].Operations()
		for _, method := range slices.Sorted(maps.Keys(ops)) {
			if keep(method + " " + path) {
				m.ops = append(m.ops, made{method, path, append(slices.Clone(items[path].Parameters), ops[method].Parameters...), ops[method]})
			}
		}
	}
	return m
}

// Operations is how many there are.
func (m *Maker) Operations() int { return len(m.ops) }

// Next makes up a request for the n-th operation, counted round and round.
func (m *Maker) Next(n int) Request {
	o := m.ops[n%len(m.ops)]
	r := Request{Operation: o.method + " " + o.path, Method: o.method, Target: o.path, Header: http.Header{}}
	query := url.Values{}
	for _, p := range o.params {
		v := m.text(p.Value.Name, p.Value.Schema)
		switch {
		case p.Value.In == "path":
			r.Target = strings.Replace(r.Target, "{"+p.Value.Name+"}", url.PathEscape(v), 1)
		case m.odds(50) && !p.Value.Required:
		case p.Value.In == "header":
			r.Header[p.Value.Name] = []string{headerSafe(v)}
		default:
			query.Add(p.Value.Name, v)
		}
	}
	if m.odds(5) {
		query.Add(m.pick(nasty), m.pick(nasty))
	}
	if len(query) > 0 {
		r.Target += "?" + query.Encode()
	}
	if b := o.op.RequestBody; b != nil {
		m.body(&r, b.Value.Content)
	}
	m.oddities(&r)
	return r
}

func (m *Maker) odds(percent int) bool { return m.r.IntN(100) < percent }

func (m *Maker) pick(of []string) string { return of[m.r.IntN(len(of))] }

// nasty are texts that somebody once fell over.
var nasty = []string{
	"", " ", ".", "..", "/", "../../etc/passwd", "%2e%2e", "%00", "\x00", "\x1b[31m", "\r\nX-Evil: 1", "'", `"`, "' OR 1=1 --", "$$", "$1", "%", "_", `\`, "\u202e",
	"null", "true", "-1", "0", "1e400", "NaN", "99999999999999999999", "<script>alert(1)</script>", "{{7*7}}", "${7*7}", "é", "\U0001f600", "\xff\xfe", "\ufeff", "sessions", "checkpoints", "shared", "me",
	strings.Repeat("a", 201), strings.Repeat("é", 300), strings.Repeat("x", 5000), "00000000-0000-4000-8000-000000000000", "s-aaaaaaaaaa", "k-aaaaaaaaaa", "-", "a b", "1;2", "*", "?", "#", "W/\"x\"", "(", "a:*", "&|!", "\"unclosed",
}

// text makes a value of a parameter.
func (m *Maker) text(name string, s *openapi3.SchemaRef) string {
	switch {
	case m.odds(15):
		return m.pick(nasty)
	case m.odds(75) && len(m.Known[name]) > 0:
		return m.pick(m.Known[name])
	}
	switch v := m.value(name, s, 0).(type) {
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// value makes one that fits a schema.
func (m *Maker) value(name string, ref *openapi3.SchemaRef, depth int) any {
	if ref == nil || depth > 8 {
		return map[string]any{}
	}
	s := ref.Value
	if len(s.Enum) > 0 {
		return s.Enum[m.r.IntN(len(s.Enum))]
	}
	if len(s.OneOf) > 0 {
		return m.value(name, s.OneOf[m.r.IntN(len(s.OneOf))], depth+1)
	}
	switch {
	case s.Type.Is("integer"), s.Type.Is("number"):
		return m.number(s)
	case s.Type.Is("boolean"):
		return m.odds(50)
	case s.Type.Is("array"):
		return m.list(name, s, depth)
	case s.Type.Is("string"):
		return m.word(name, s)
	}
	all := map[string]any{}
	for _, prop := range slices.Sorted(maps.Keys(s.Properties)) {
		if slices.Contains(s.Required, prop) || m.odds(50) {
			all[prop] = m.value(prop, s.Properties[prop], depth+1)
		}
	}
	if s.AdditionalProperties.Schema != nil || s.AdditionalProperties.Has != nil && *s.AdditionalProperties.Has {
		for range m.r.IntN(3) {
			all[m.name()] = m.value("", s.AdditionalProperties.Schema, depth+1)
		}
	}
	return all
}

func (m *Maker) number(s *openapi3.Schema) any {
	low, high := int64(0), int64(1<<40)
	if s.Min != nil {
		low = int64(*s.Min)
	}
	if s.Max != nil {
		high = int64(*s.Max)
	}
	switch m.r.IntN(3) {
	case 0:
		return low
	case 1:
		return high
	}
	return low + m.r.Int64N(high-low+1)
}

func (m *Maker) list(name string, s *openapi3.Schema, depth int) any {
	n := int(s.MinItems) + m.r.IntN(3) //nolint:gosec // a small one
	if s.MaxItems != nil {
		n = min(n, int(*s.MaxItems)) //nolint:gosec // a small one
	}
	all := make([]any, 0, n)
	for range n {
		all = append(all, m.value(name, s.Items, depth+1))
	}
	return all
}

func (m *Maker) word(name string, s *openapi3.Schema) string {
	if known := m.Known[name]; len(known) > 0 && m.odds(70) {
		return m.pick(known)
	}
	switch {
	case s.Format == "date-time":
		return m.pick([]string{"2026-03-01T10:00:00Z", "2020-02-29T23:59:60Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+14:00", "2026-03-01T10:00:00-03:30"})
	case s.Example != nil && m.odds(50):
		return fmt.Sprint(s.Example)
	case name == "email":
		return m.name() + "@example.com"
	}
	w := m.name()
	for uint64(len(w)) < s.MinLength {
		w += m.name()
	}
	if s.MaxLength != nil && m.odds(10) { // as long as it may be
		w += strings.Repeat("z", max(0, int(*s.MaxLength)-len(w))) //nolint:gosec // a small one
	}
	return w
}

func (m *Maker) name() string {
	b := make([]byte, 3+m.r.IntN(10))
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[m.r.IntN(36)]
	}
	return "n" + string(b)
}

func (m *Maker) body(r *Request, content openapi3.Content) {
	kinds := slices.Sorted(maps.Keys(content))
	kind := m.pick(kinds)
	r.Header.Set("Content-Type", kind)
	v := m.value("", content[kind].Schema, 0)
	if fields, ok := v.(map[string]any); ok && m.odds(35) {
		m.spoil(fields)
	}
	switch {
	case kind == "application/gzip":
		r.Body = m.pick(append(nasty, m.Known["archive"]...))
	case strings.HasSuffix(kind, "urlencoded"):
		form := url.Values{}
		if fields, ok := v.(map[string]any); ok {
			for name, field := range fields {
				form.Set(name, fmt.Sprint(field))
			}
		}
		r.Body = form.Encode()
	default:
		b, err := json.Marshal(v)
		if err != nil {
			b = []byte("{}")
		}
		r.Body = string(b)
	}
	if m.odds(8) {
		r.Body = m.mangle(r.Body)
	}
}

// spoil changes one field of a body, so that it almost fits.
func (m *Maker) spoil(fields map[string]any) {
	names := slices.Sorted(maps.Keys(fields))
	values := []any{
		nil, true, false, -1, 0, 1 << 53, json.RawMessage("1e400"), json.RawMessage("-9223372036854775809"), 0.5,
		[]any{},
		[]any{nil},
		map[string]any{},
		map[string]any{"a": 1},
		json.RawMessage(`"\ud800"`), json.RawMessage(`"\u0000"`), json.RawMessage(strings.Repeat("[", 150) + strings.Repeat("]", 150)), m.pick(nasty), m.pick(nasty), m.pick(nasty),
	}
	v := values[m.r.IntN(len(values))]
	switch n := m.r.IntN(10); {
	case n == 0 || len(names) == 0:
		fields[m.pick(nasty)] = v
	case n <= 2:
		delete(fields, m.pick(names))
	default:
		fields[m.pick(names)] = v
	}
}

// mangle makes a body no body.
func (m *Maker) mangle(b string) string {
	switch m.r.IntN(7) {
	case 0:
		return b[:len(b)/2]
	case 1:
		return b + b
	case 2:
		return b + "\xff"
	case 3:
		return ""
	case 4:
		return "[" + b + "]"
	case 5:
		return strings.Replace(b, `{"`, `{"x":1,"x":2,"`, 1)
	}
	return strings.Repeat(" ", 1<<20) + b
}

// oddities are what a request may have that no contract speaks of.
func (m *Maker) oddities(r *Request) {
	for _, odd := range odd {
		if m.odds(4) {
			r.Header.Set(odd.header, m.pick(odd.values))
		}
	}
	if m.odds(2) {
		r.Method = m.pick([]string{"HEAD", "PATCH", "OPTIONS", "PUT", "DELETE", "POST", "GET", "PROPFIND"})
	}
	if m.odds(2) {
		r.Target = strings.Replace(r.Target, "/v1/", m.pick([]string{"/api/v1/", "/V1/", "//v1/", "/v1//", "/v1/./", "/v1/../v1/", "/v1/%2e/"}), 1)
	}
}

var odd = []struct {
	header string
	values []string
}{
	{"Accept-Encoding", []string{"gzip", "identity;q=0", "*", ","}},
	{"If-None-Match", []string{"*", `W/"x"`, `"`}},
	{"Accept", []string{"text/html", "nothing/*", "*/*;q=0"}},
	{"X-Http-Method-Override", []string{"DELETE", "PUT"}},
	{"X-Forwarded-For", []string{"203.0.113.9", "::", "nonsense"}},
	{"Range", []string{"bytes=0-1", "bytes=-"}},
	{"Content-Encoding", []string{"gzip"}},
	{"Idempotency-Key", []string{"one", "two", "three", strings.Repeat("k", 129)}},
	{"Content-Type", []string{"text/plain", "application/json; charset=utf-16", ";"}},
	{"Origin", []string{"https://evil.example.com"}},
}

// headerSafe leaves out what net/http's client refuses to send.
func headerSafe(v string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, v)
}

// Learn keeps what an answer names, so that later requests ask for it.
func (m *Maker) Learn(body string) {
	var v any
	if json.Unmarshal([]byte(body), &v) == nil {
		m.learn(v)
	}
}

// learned says which parameters and fields a field of an answer is good for.
var learned = map[string][]string{
	"session_id": {"lab"}, "lab_id": {"lab"}, "slug": {"course"}, "course": {"course"}, "course_id": {"course", "course_id"}, "lesson_id": {"lesson", "lesson_id"}, "user_code": {"user_code"},
	"device_code": {"device_code"}, "refresh_token": {"refresh_token"}, "fingerprint": {"key"},
	"id": {"session", "key", "token", "checkpoint", "recording", "draft", "report", "user", "certificate", "lab", "course", "lesson"},
}

func (m *Maker) learn(v any) {
	switch v := v.(type) {
	case []any:
		for _, one := range v[:min(len(v), 5)] {
			m.learn(one)
		}
	case map[string]any:
		for _, field := range slices.Sorted(maps.Keys(v)) {
			s, ok := v[field].(string)
			if !ok {
				m.learn(v[field])
				continue
			}
			for _, name := range learned[field] {
				if known := m.Known[name]; len(known) < 24 {
					m.Known[name] = append(known, s)
				} else {
					known[m.r.IntN(len(known))] = s
				}
			}
		}
	}
}
