package httpapi

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/words"
)

const (
	maxBody  = 1 << 20
	maxDepth = 100
)

// decode reads the body into v, a pointer, and refuses everything v has no
// room for: what is silently dropped is a misunderstanding found later. Errors
// point at the place.
func decode(c *gin.Context, v any) error {
	if err := contentType(c, "application/json"); err != nil {
		return err
	}
	body, err := readBody(c, maxBody)
	if err != nil {
		return err
	}
	return decodeBytes(body, v)
}

func contentType(c *gin.Context, want string) error {
	if given := c.GetHeader("Content-Type"); given != want {
		if got, _, err := mime.ParseMediaType(given); err != nil || got != want {
			return refined{hub.Errorf(hub.Invalid, "Send the body as %s.", want), http.StatusUnsupportedMediaType}
		}
	}
	if c.GetHeader("Content-Encoding") != "" {
		return refined{hub.Errorf(hub.Invalid, "Send the body without a Content-Encoding."), http.StatusUnsupportedMediaType}
	}
	return nil
}

// readBody reads a body of at most limit bytes, once: a second call returns
// the same bytes.
func readBody(c *gin.Context, limit int64) ([]byte, error) {
	if b, ok := c.Get(bodyKey); ok {
		return b.([]byte), nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, refined{hub.Errorf(hub.Invalid, "The body is larger than %d bytes.", limit), http.StatusRequestEntityTooLarge}
		}
		return nil, hub.Wrap(err, hub.Invalid, "The body did not arrive whole.")
	}
	_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Time{})
	c.Set(bodyKey, body)
	return body, nil
}

const bodyKey = "body"

func decodeBytes(body []byte, v any) error {
	if !utf8.Valid(body) {
		return wrong("", "The body is not UTF-8.")
	}
	if at := halfPair(body); at >= 0 {
		return wrong("", "The body holds half of a character, at byte %d.", at)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	w := walker{d}
	if err := w.value(reflect.TypeOf(v).Elem(), "", 0); err != nil {
		if _, ok := errors.AsType[*hub.Error](err); ok {
			return err
		}
		return malformed(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refined{wrong("", "There is something after the end of the JSON value."), http.StatusBadRequest}
	}
	err := json.Unmarshal(body, v)
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return wrong("/"+strings.ReplaceAll(t.Field, ".", "/"), "This does not fit.")
	}
	if err != nil {
		return wrong("", "A value does not fit: %s.", err)
	}
	return nil
}

// halfPair is where a JSON text escapes half of a surrogate pair without the other;
// -1 for nowhere. encoding/json makes the same sign of each of them, so that two
// texts, or two passwords, would be one.
func halfPair(body []byte) int {
	for i := 0; ; {
		next := bytes.IndexByte(body[i:], '\\')
		if next < 0 {
			return -1
		}
		i += next
		switch r := escaped(body[i:]); {
		case r < 0: // another escape, or none: decoding tells
			i += 2
		case !utf16.IsSurrogate(r):
			i += 6
		case utf16.DecodeRune(r, escaped(body[i+6:])) == utf8.RuneError:
			return i
		default:
			i += 12
		}
		if i >= len(body) {
			return -1
		}
	}
}

// escaped is the unit that \uXXXX at the start of b is; -1 where none is there.
func escaped(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

func malformed(err error) error {
	why := wrong("", "The body is not JSON.")
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		why = wrong("", "The body is not JSON: %s, at byte %d.", s.Error(), s.Offset)
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		why = wrong("", "The body ends before the JSON value does.")
	}
	return refined{why, http.StatusBadRequest}
}

// missing is what is wrong with a body without a field that it has to have, where
// what Go makes of that means something else.
func missing(field string) error { return wrong("/"+field, "This is missing.") }

func wrong(pointer, format string, args ...any) error {
	return hub.Unfit([]hub.FieldError{hub.Field(pointer, format, args...)})
}

// walker compares a JSON text with the type it is for. encoding/json ignores
// unknown fields' places, duplicate keys, the case of names and wrong kinds
// inside maps; this does not.
type walker struct{ *json.Decoder }

func (w walker) value(t reflect.Type, at string, depth int) error {
	tok, err := w.Token()
	if err != nil {
		return err
	}
	return w.from(tok, t, at, depth)
}

var (
	selfType = reflect.TypeFor[json.Unmarshaler]()
	textType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (w walker) from(tok json.Token, t reflect.Type, at string, depth int) error {
	if depth > maxDepth {
		return wrong(at, "This is nested deeper than %d levels.", maxDepth)
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t != nil && (t.Kind() == reflect.Interface || reflect.PointerTo(t).Implements(selfType)) {
		if _, text := tok.(string); !text || !reflect.PointerTo(t).Implements(textType) {
			t = nil // decides itself
		}
	}
	switch tok := tok.(type) {
	case nil:
		if at == "" || t != nil && t.Kind() != reflect.Slice && t.Kind() != reflect.Map {
			return wrong(at, "This must not be null.")
		}
		return nil
	case string:
		if strings.ContainsRune(tok, 0) {
			return wrong(at, "This holds a NUL character.")
		}
		return expect(at, "a text", tok, t, t == nil || t.Kind() == reflect.String || reflect.PointerTo(t).Implements(textType))
	case json.Number:
		if t != nil && t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64 {
			if _, err := strconv.ParseInt(tok.String(), 10, 64); err != nil {
				return wrong(at, "This must be a whole number.")
			}
			return nil
		}
		if _, err := tok.Float64(); err != nil {
			return wrong(at, "This number is too large.")
		}
		return expect(at, "a number", tok, t, t == nil || t.Kind() == reflect.Float64 || t.Kind() == reflect.Float32)
	case bool:
		return expect(at, "true or false", tok, t, t == nil || t.Kind() == reflect.Bool)
	case json.Delim:
		if tok == '[' {
			return w.array(t, at, depth)
		}
		return w.object(t, at, depth)
	}
	return nil
}

// expect refuses a value of one kind where t wants another.
func expect(at, got string, _ any, t reflect.Type, ok bool) error {
	if ok {
		return nil
	}
	return wrong(at, "This must be %s, not %s.", hub.Word(kindName(t)), hub.Word(got))
}

func kindName(t reflect.Type) string {
	if reflect.PointerTo(t).Implements(textType) {
		return words.Mark("a text")
	}
	switch t.Kind() {
	case reflect.String:
		return words.Mark("a text")
	case reflect.Bool:
		return words.Mark("true or false")
	case reflect.Slice, reflect.Array:
		return words.Mark("a list")
	case reflect.Struct, reflect.Map:
		return words.Mark("an object")
	default:
		return words.Mark("a number")
	}
}

func (w walker) array(t reflect.Type, at string, depth int) error {
	var elem reflect.Type
	if t != nil {
		if t.Kind() != reflect.Slice {
			return expect(at, "a list", nil, t, false)
		}
		elem = t.Elem()
	}
	for i := 0; w.More(); i++ {
		if err := w.value(elem, at+"/"+strconv.Itoa(i), depth+1); err != nil {
			return err
		}
	}
	_, err := w.Token()
	return err
}

func (w walker) object(t reflect.Type, at string, depth int) error {
	if t != nil && t.Kind() != reflect.Struct && t.Kind() != reflect.Map || t != nil && reflect.PointerTo(t).Implements(textType) {
		return expect(at, "an object", nil, t, false)
	}
	seen := map[string]bool{}
	for w.More() {
		tok, err := w.Token()
		if err != nil {
			return err
		}
		name, _ := tok.(string)
		here := at + "/" + name
		if strings.ContainsAny(name, "~/") {
			here = at + "/" + pointerEscapes.Replace(name)
		}
		if seen[name] {
			return wrong(here, "This is given twice.")
		}
		seen[name] = true
		var of reflect.Type
		if t != nil && t.Kind() == reflect.Map {
			of = t.Elem()
		} else if t != nil {
			var ok bool
			if of, ok = field(t, name); !ok {
				return wrong(here, "There is no such field.")
			}
		}
		if strings.ContainsRune(name, 0) {
			return wrong(at, "A name holds a NUL character.")
		}
		if err := w.value(of, here, depth+1); err != nil {
			return err
		}
	}
	_, err := w.Token()
	return err
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// fields keeps what findField has found, by type and name. Names of no field
// aren't kept: callers make them up.
var fields sync.Map

type fieldName struct {
	of   reflect.Type
	name string
}

// field finds the field of t that JSON calls name, letter by letter.
func field(t reflect.Type, name string) (reflect.Type, bool) {
	key := fieldName{t, name}
	if of, ok := fields.Load(key); ok {
		return of.(reflect.Type), true
	}
	of, ok := findField(t, name)
	if ok {
		fields.Store(key, of)
	}
	return of, ok
}

func findField(t reflect.Type, name string) (reflect.Type, bool) {
	for f := range t.Fields() {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case tag == "-" || (!f.IsExported() && !f.Anonymous):
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct:
			if of, ok := findField(f.Type, name); ok {
				return of, true
			}
		case tag == name, tag == "" && f.Name == name:
			return f.Type, true
		}
	}
	return nil, false
}
