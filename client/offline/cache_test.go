package offline

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
)

func token(sub, rest string) string {
	return "x." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"`+sub+`","n":"`+rest+`"}`)) + ".y"
}

func has(c *Cache, token, path string) bool {
	_, ok := c.Get(token, path)
	return ok
}

const (
	ada1   = "/v1/courses/one/lessons/a"
	ada2   = "/v1/courses/two/lessons/b"
	course = "/v1/courses/one"
)

func filled(t *testing.T) (*Cache, string) {
	t.Helper()
	c, ada := OpenCache(Place{Cache: t.TempDir(), Language: "en"}), token("ada", "1")
	for _, p := range []string{ada1, ada2, course} {
		c.Put(ada, p, client.Kept{ETag: `W/"1"`, Body: []byte(`{"path":"` + p + `"}`)})
	}
	return c, ada
}

func TestTheCacheIsOnesOwn(t *testing.T) {
	t.Parallel()
	c, ada := filled(t)
	if k, ok := c.Get(token("ada", "2"), ada1); !ok || k.ETag != `W/"1"` || string(k.Body) != `{"path":"`+ada1+`"}` {
		t.Errorf("with the next token: %+v, %v", k, ok)
	}
	for _, other := range []string{"", token("bob", "1"), "cmh_key"} {
		if has(c, other, ada1) {
			t.Errorf("%q reads what ada does", other)
		}
	}
	c.language = "de"
	if has(c, ada, ada1) {
		t.Error("in another language")
	}
	c.language = "en"
	c.Forget(ada)
	if has(c, ada, course) {
		t.Error("signed out, and still there")
	}
}

func TestARefusalTakesTheTexts(t *testing.T) {
	t.Parallel()
	c, ada := filled(t)
	c.Refused(ada, ada2, hub.NotFound)
	if has(c, ada, ada2) || !has(c, ada, ada1) {
		t.Error("a text that is gone takes itself")
	}
	german := OpenCache(Place{Cache: c.dir, Language: "de"})
	german.Put(ada, ada1, client.Kept{ETag: "1", Body: []byte(`{}`)})
	c.Refused(ada, "/v1/courses/two/lessons/other", hub.Forbidden)
	if has(c, ada, ada1) || has(german, ada, ada1) || !has(c, ada, course) {
		t.Error("who has lost one text has lost what it hangs on, in every language")
	}
}

func TestDamageIsNoAnswer(t *testing.T) {
	t.Parallel()
	c, ada := filled(t)
	name := c.file(ada, course)
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range file {
		bad := append([]byte{}, file...)
		bad[i] ^= 1
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if k, ok := c.Get(ada, course); ok && string(k.Body) != `{"path":"`+course+`"}` {
			t.Fatalf("byte %d: %q", i, k.Body)
		}
	}
}

func TestTheOldestGoFirst(t *testing.T) {
	t.Parallel()
	c, ada := filled(t)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(c.file(ada, ada1), old, old); err != nil {
		t.Fatal(err)
	}
	body := []byte(`"` + strings.Repeat("x", 7<<20) + `"`)
	for i := range 9 {
		c.Put(ada, "/v1/courses/big"+string(rune('a'+i)), client.Kept{ETag: "1", Body: body})
	}
	c.trim(c.account(ada))
	if !has(c, ada, "/v1/courses/bigi") {
		t.Error("the newest went")
	}
	c.Put(ada, "/v1/courses/more", client.Kept{ETag: "1", Body: body})
	c.trim(c.account(ada))
	if has(c, ada, ada1) {
		t.Error("the oldest stays in a cache that is full")
	}
}

// What is asked for again and confirmed has no age, however old the file was; what
// is shown as it is has one, until the hub answers.
func TestTheAgeIsOfWhatIsShown(t *testing.T) {
	t.Parallel()
	c, ada := filled(t)
	old := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	if err := os.Chtimes(c.file(ada, course), old, old); err != nil {
		t.Fatal(err)
	}
	if !has(c, ada, course) || !c.Oldest().IsZero() {
		t.Errorf("asked for again, it is as of %v", c.Oldest())
	}
	if _, ok := c.Near().Get(ada, course); !ok || !c.Oldest().Equal(old) {
		t.Errorf("shown as it is, it is as of %v", c.Oldest())
	}
	c.Fresh()
	if !c.Oldest().IsZero() {
		t.Errorf("the hub is there, and it is as of %v", c.Oldest())
	}
}

// A key that was revoked reads nothing more here, however it is asked; a proxy
// that wants to know who somebody is has no say in that.
func TestARevokedKeyReadsNothing(t *testing.T) {
	t.Parallel()
	kind := "text/html"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"code":"unauthenticated","detail":"You are not signed in, or no longer."}`))
	}))
	defer srv.Close()
	c := OpenCache(Place{Cache: t.TempDir(), Language: "en"})
	for _, key := range []string{"cmh_key", "cmh_other"} {
		c.Put(key, course, client.Kept{ETag: "1", Body: []byte(`{"slug":"one"}`)})
	}
	far, near := client.New(srv.URL, client.Token("cmh_key"), client.Keep(c)), client.New(srv.URL, client.Token("cmh_key"), client.Keep(c.Near()), client.Away())
	if _, err := far.Usage(t.Context()); hub.CodeOf(err) != hub.Unauthenticated {
		t.Fatal(err)
	}
	if _, err := near.Course(t.Context(), "one"); err != nil {
		t.Errorf("a proxy has taken what is kept: %v", err)
	}
	kind = "application/problem+json"
	if _, err := far.Usage(t.Context()); hub.CodeOf(err) != hub.Unauthenticated {
		t.Fatal(err)
	}
	if _, err := near.Course(t.Context(), "one"); !errors.Is(err, client.ErrNotKept) {
		t.Errorf("it reads on: %v", err)
	}
	if !has(c, "cmh_other", course) {
		t.Error("another key has lost what it had")
	}
}

// What only premium members may read is not readable for ever.
func TestALeaseRunsOut(t *testing.T) {
	t.Parallel()
	p := Place{Cache: t.TempDir(), State: t.TempDir(), Language: "en"}
	c, ada := OpenCache(p), token("ada", "1")
	c.Put(ada, course, client.Kept{ETag: "1", Body: []byte(`{"slug":"one","free":false,"lessons":[{"id":"a"}]}`)})
	c.Put(ada, ada1, client.Kept{ETag: "1", Body: []byte(`{"id":"a","body":"Secret."}`)})
	near := client.New("http://127.0.0.1:1", client.Token(ada), client.Keep(c.Near()), client.Away())
	h := New(near, near, c, p, true, nil)
	h.token = func(ctx context.Context) (string, error) { return ada, ctx.Err() }
	read := func(age time.Duration) hub.Code {
		at := time.Now().Add(-age)
		if err := os.Chtimes(c.file(ada, ada1), at, at); err != nil {
			t.Fatal(err)
		}
		_, err := h.Lesson(t.Context(), "one", "a")
		return hub.CodeOf(err)
	}
	for age, want := range map[time.Duration]hub.Code{0: "", 13 * 24 * time.Hour: "", 15 * 24 * time.Hour: hub.Forbidden, -72 * time.Hour: hub.Forbidden} {
		if got := read(age); got != want {
			t.Errorf("after %v: %q, want %q", age, got, want)
		}
	}
}

func FuzzCacheFile(f *testing.F) {
	f.Add([]byte("{\"path\":\"/v1/courses\",\"size\":2,\"sum\":2745614147}\n{}"))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, body, err := parse(file)
		if err == nil && h.Size != len(body) {
			t.Errorf("%+v of %q", h, file)
		}
	})
}
