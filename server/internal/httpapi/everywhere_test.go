package httpapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// nowhere is an id for each parameter that names nothing.
func nowhere() map[string]string {
	ids := map[string]string{"step": "1", "version": "1"}
	for _, name := range []string{"asset", "certificate", "session", "key", "token", "course", "lesson", "checkpoint", "lab", "recording", "draft", "report", "user"} {
		ids[name] = "00000000-0000-4000-8000-000000000000"
	}
	return ids
}

// inner is what only our own log may say: the words of a driver, of a database,
// of a stack. Whole words: a request's own name may begin like one.
var inner = regexp.MustCompile(`(?i)SQLSTATE|\bpgx(pool)?\b|\bpgconn\b|\bpq:|\bERROR: |syntax error at|invalid input syntax|relation "|column "|constraint "|goroutine \d|\.go:\d`)

// tells fails the test for an answer that a broken request mustn't get.
func tells(t *testing.T, what string, got response, least int) {
	t.Helper()
	if got.status < least || got.status >= 500 {
		t.Errorf("%s: %d %.300s", what, got.status, got.body)
	}
	if m := inner.FindString(got.body); m != "" {
		t.Errorf("%s tells %q: %.300s", what, m, got.body)
	}
}

// A key does on every operation what its scopes say, and is a key only where a
// key stands.
func TestScopesOnEveryOperation(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	teacher := api.User(t, hub.Instructor)
	author := newAuthor(t, api, hub.Instructor)
	course := author.publish(t, "open")
	key := func(scopes ...hub.Scope) string {
		t.Helper()
		made, err := teacher.CreateAPIKey(t.Context(), hub.NewAPIKey{Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		return made.Token
	}
	alone, without := map[hub.Scope]string{}, map[hub.Scope]string{}
	for _, s := range hub.Scopes {
		alone[s] = key(s)
		without[s] = key(slices.DeleteFunc(slices.Clone(hub.Scopes), func(other hub.Scope) bool { return other.Holds(s) })...)
	}
	all := key(hub.Scopes...)
	for _, o := range rest() {
		method, _, _ := strings.Cut(o.Name, " ")
		a := askFor(o, course)
		ask := func(token string, headers ...string) int {
			return send(t, api, method, a.path, token, a.body, headers...).status
		}
		switch {
		case o.Scope != "":
			if got := ask(without[o.Scope]); got != http.StatusForbidden {
				t.Errorf("%s with every scope but %s: %d", o.Name, o.Scope, got)
			}
			if got := ask(alone[o.Scope]); got == http.StatusUnauthorized || got == http.StatusForbidden {
				t.Errorf("%s with %s: %d", o.Name, o.Scope, got)
			}
		case o.Who != access.Everybody:
			if got := ask(all); got != http.StatusForbidden {
				t.Errorf("%s with every scope there is: %d", o.Name, got)
			}
		}
		if o.Cell(hub.Guest) != access.SignIn {
			continue
		}
		for _, h := range [][]string{
			{"X-API-Key", all},
			{"Api-Key", all},
			{"Cookie", "token=" + all + "; session=" + all},
			{"Authorization", all},
			{"Authorization", "Token " + all},
			{"Authorization", "ApiKey " + all},
			{"Proxy-Authorization", "Bearer " + all},
		} {
			if got := ask("", h...); got != http.StatusUnauthorized {
				t.Errorf("%s with %s %.9s...: %d", o.Name, h[0], h[1], got)
			}
		}
		if got := send(t, api, method, a.path+"?access_token="+all+"&api_key="+all+"&token="+all, "", a.body); got.status != http.StatusUnauthorized {
			t.Errorf("%s with the key in its address: %d", o.Name, got.status)
		}
	}
}

// An address is spelled one way, and a method says itself what it is: nothing
// else gets past what stands before an operation.
func TestOtherSpellingsOfEveryAddress(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	token := api.Token(t, api.User(t, hub.Admin))
	for _, d := range contract(t) {
		at := d.at(nowhere())
		first, rest, _ := strings.Cut(strings.TrimPrefix(at, "/"), "/")
		last := at[strings.LastIndexByte(at, '/')+1:]
		parent := strings.TrimSuffix(at, last)
		for _, spelled := range []string{
			at + "/", "/" + at, "//" + first + "//" + rest, "/./" + strings.TrimPrefix(at, "/"), "/%2e" + at, "/x/.." + at, "/x/%2e%2e" + at, "/" + strings.ToUpper(first) + "/" + rest,
			parent + strings.ToUpper(last[:1]) + last[1:] + "/.", at + "%2f", at + ";x=1", at + "%20", at + ".json", parent + fmt.Sprintf("%%%02x", last[0]) + last[1:], `/` + first + `\` + rest,
		} {
			if spelled == at {
				continue
			}
			for _, with := range []string{"", token} {
				got := send(t, api, d.method, spelled, with, "")
				tells(t, d.method+" "+spelled, got, 400)
			}
		}
		if d.method != http.MethodGet {
			continue
		}
		got := send(t, api, "GET", at, "", "")
		for _, h := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
			for _, other := range []string{"DELETE", "PUT", "POST"} {
				if as := send(t, api, "GET", at, "", "", h, other); as.status != got.status {
					t.Errorf("GET %s with %s: %s is %d, not %d", at, h, other, as.status, got.status)
				}
			}
		}
		if head := send(t, api, "HEAD", at, "", ""); head.status != got.status || head.body != "" {
			t.Errorf("HEAD %s: %d %q, GET: %d", at, head.status, head.body, got.status)
		}
		for _, other := range []string{"OPTIONS", "TRACE", "PATCH"} {
			tells(t, other+" "+at, send(t, api, other, at, token, ""), 400)
		}
	}
}

// A cursor is good as it was given, for the list that gave it.
func TestCursorsOnlyAsIssued(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	admin := h.User(t, hub.Admin)
	author := author{h.actor(t, admin)}
	author.publish(t, "one")
	author.publish(t, "two")
	for range 2 {
		h.ready(t, h.User(t, hub.Free), "files")
		if _, err := admin.TakeQuiz(t.Context(), "one", "counting", hub.QuizAnswers{Answers: map[string][]string{}}); err != nil {
			t.Fatal(err)
		}
	}
	h.ready(t, admin, "files")
	h.ready(t, admin, "more")
	token := h.Token(t, admin)
	next := regexp.MustCompile(`[?&]cursor=([^&>]+)`)
	lists, cursors := []string{}, map[string]string{}
	for _, d := range contract(t) {
		if !d.has("query", "cursor") {
			continue
		}
		at := d.at(map[string]string{"course": "one", "lesson": "counting"})
		got := send(t, h.API, "GET", at+"?limit=1", token, "")
		m := next.FindStringSubmatch(got.header.Get("Link"))
		if m == nil {
			t.Errorf("%s: the test needs a second page: %d %s", d.name, got.status, got.body)
			continue
		}
		lists, cursors[at] = append(lists, at), m[1]
	}
	for i, path := range lists {
		own := cursors[path]
		if got := send(t, h.API, "GET", path+"?limit=1&cursor="+own, token, ""); got.status != http.StatusOK {
			t.Errorf("%s: its own: %d %s", path, got.status, got.body)
		}
		bad := []string{
			"x", "AAAA", "null", "-1", "1", "%27", "e30", "eyJpZCI6MX0", own[:len(own)-1], own + "A", own + "=", own + own, "A" + own, strings.ToLower(own), own[1:],
			strings.Repeat("A", 4096), cursors[lists[(i+1)%len(lists)]],
		}
		for at := 0; at < len(own); at += 3 {
			b := []byte(own)
			b[at] = map[bool]byte{true: 'B', false: 'A'}[b[at] == 'A']
			bad = append(bad, string(b))
		}
		for _, c := range bad {
			if got := send(t, h.API, "GET", path+"?limit=1&cursor="+c, token, ""); got.status != http.StatusBadRequest {
				t.Errorf("%s: cursor %.40s (its own is %s): %d %.200s", path, c, own, got.status, got.body)
			}
		}
	}
}

// tricky are texts that mean something to a database, a file system, a terminal
// or a header.
var tricky = []string{
	"'", `"`, "' OR 1=1 --", "'; DROP TABLE users; --", "$$", "$1", "%", "_", `\`, `\'`, "%' OR '1'='1", "a' UNION SELECT password_hash FROM users --", "../../etc/passwd", "password_hash", "id; --",
	"created_at desc", "-1", "1e400", "NaN", "0x1", "null", "true", "*", ":*", "&|!", "(", "\u202e", "\ufeff", "\U0001f600", strings.Repeat("é", 300),
}

// No text in a query or an address reaches the database as anything but a text,
// and no answer says what the database made of it.
func TestTextsAreTextsInEveryPlace(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	token := h.Token(t, h.User(t, hub.Admin))
	raw := []string{"%00", "a%00b", "%ff%fe", "%c3%28", "%1b%5b31m", "%0d%0aX-Evil:1", "%7f", "%c2%9b", strings.Repeat("a", 8192)}
	for _, d := range contract(t) {
		for _, p := range d.params {
			escape := url.PathEscape
			if p.In == "query" {
				escape = url.QueryEscape
			}
			values := slices.Clone(raw)
			for _, text := range tricky {
				values = append(values, escape(text))
			}
			for _, v := range values {
				ids, query, least := nowhere(), "", 400
				switch p.In {
				case "path":
					ids[p.Name] = v
				case "query":
					query, least = "?"+p.Name+"="+v, 200
					if slices.Contains(raw, v) {
						least = 400
					}
				default:
					continue
				}
				body := strings.ReplaceAll(fitting[d.name], "KEY", "x")
				if d.method == http.MethodPost && p.In == "query" {
					body = "{}" // refused behind it
				}
				got := send(t, h.API, d.method, d.at(ids)+query, token, body)
				tells(t, fmt.Sprintf("%s, %s=%.40s", d.name, p.Name, v), got, least)
				if got.header.Get("X-Evil") != "" {
					t.Errorf("%s, %s: a header was made of it", d.name, p.Name)
				}
			}
		}
	}
}

// Bytes that no header has are refused by whoever reads it, and never come back.
func TestHeadersOfAnyBytes(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	addr := strings.TrimPrefix(api.Direct(t), "http://")
	for _, name := range []string{"Authorization", "Idempotency-Key", "If-None-Match", "Last-Event-ID", "X-Request-Id", "Accept-Encoding", "Accept", "Origin", "User-Agent", "X-Forwarded-For", "Content-Type", "Cookie"} {
		for value, least := range map[string]int{
			"a\x00b": 400, "a\x01b": 400, "a\x7fb": 400, "\x1b]0;x\x07": 400, "a\xffb": 200, "\u202e": 200, strings.Repeat("k", 5000): 200, strings.Repeat("k", 2<<20): 400,
		} {
			c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			go func() { // who refuses a header doesn't wait for its end
				_, _ = fmt.Fprintf(c, "GET /v1/courses HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s: %s\r\n\r\n", name, value)
			}()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Errorf("%s: %.20q: %v", name, value, err)
				_ = c.Close()
				continue
			}
			body, _ := io.ReadAll(resp.Body) // the rest may be cut off where the header was
			_ = resp.Body.Close()
			_ = c.Close()
			tells(t, fmt.Sprintf("%s: %.20q", name, value), response{resp.StatusCode, resp.Header, string(body)}, least)
			if all := fmt.Sprint(resp.Header); strings.ContainsAny(all, "\x00\x1b") || strings.Contains(all, "\xff") || strings.Contains(all, "\u202e") {
				t.Errorf("%s: %.20q comes back in %q", name, value, all)
			}
		}
	}
}

// shapes are bodies that no operation takes. %s is where the name of a field that
// it has goes.
var shapes = map[string]string{
	"unknown field": `{"nothing":1}`, "twice": `{"%s":1,"%s":1}`, "trailing": `{} {}`, "trailing text": `{}x`, "deep": `{"%s":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
	"deep objects": `{"%s":` + strings.Repeat(`{"a":`, 200) + `1` + strings.Repeat("}", 200) + `}`, "endless nesting": strings.Repeat("[", 500000), "too large a number": `{"%s":1e400}`,
	"not UTF-8": "{\"%s\":\"\xff\xfe\"}", "half a character": "{\"%s\":\"\xed\xa0\x80\"}", "NUL": `{"%s":"a\u0000b"}`, "NUL in a name": `{"a\u0000b":1}`, "a list": `[]`, "a text": `"x"`, "nothing": `null`, "cut off": `{"%s":`,
	"a comment": `{/* */}`, "single quotes": `{'%s':1}`, "a byte order mark": "\ufeff{}", "a megabyte more": `{"%s":"` + strings.Repeat("a", 1<<20) + `"}`, "empty": ``,
}

// Every operation that takes a body takes it as it is described, and says where
// one isn't.
func TestBodiesOfEveryShape(t *testing.T) {
	t.Parallel()
	api := apitest.New(t)
	direct := &apitest.API{URL: api.Direct(t)} // the contract reads bodies as JSON does, and takes more
	token := api.Token(t, api.User(t, hub.Admin))
	for _, d := range contract(t) {
		if d.op.RequestBody == nil {
			continue
		}
		media := d.op.RequestBody.Value.Content.Get("application/json")
		if media == nil {
			tells(t, d.name+" as JSON", send(t, direct, d.method, d.at(nowhere()), token, `{}`), 400)
			continue
		}
		schema := media.Schema.Value
		field := "nothing"
		for name := range schema.Properties {
			if field == "nothing" || name < field {
				field = name
			}
		}
		for name, shape := range shapes {
			switch {
			case len(schema.Properties) == 0 && (name == "unknown field" || name == "twice"): // any name will do
				continue
			case name == "empty" && !d.op.RequestBody.Value.Required:
				continue
			case schema.Type.Is("array") && name == "a list", name == "a list" && len(schema.OneOf) > 0: // which may be empty, or not
				continue
			}
			body := strings.ReplaceAll(shape, "%s", field)
			got := send(t, direct, d.method, d.at(nowhere()), token, body, "Content-Type", "application/json")
			tells(t, d.name+", "+name, got, 400)
			var p struct {
				Errors []hub.FieldError `json:"errors"`
			}
			if d.path != "/v1/graphql" && got.status == http.StatusUnprocessableEntity && (json.Unmarshal([]byte(got.body), &p) != nil || len(p.Errors) == 0) {
				t.Errorf("%s, %s: doesn't say where: %s", d.name, name, got.body)
			}
			if name == "a megabyte more" && d.path != "/v1/graphql" && got.status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: a megabyte and more is answered %d", d.name, got.status)
			}
		}
		for _, kind := range []string{"text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json-patch+json", ";"} {
			if got := send(t, direct, d.method, d.at(nowhere()), token, `{}`, "Content-Type", kind); got.status != http.StatusUnsupportedMediaType {
				t.Errorf("%s as %s: %d %.200s", d.name, kind, got.status, got.body)
			}
		}
		if got := send(t, direct, d.method, d.at(nowhere()), token, `{}`, "Content-Encoding", "gzip"); got.status != http.StatusUnsupportedMediaType && d.path != "/v1/graphql" {
			t.Errorf("%s, packed: %d", d.name, got.status)
		}
	}
}

// What an operation needs is asked for, where all else is right: what is left out is
// no no, no nothing and no any.
func TestWhatIsNeededIsAskedFor(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	admin := h.User(t, hub.Admin)
	ids := nowhere()
	maps.Copy(ids, h.belongings(t, admin).theirs)
	ids["user"] = profileOf(t, h.User(t, hub.Free)).ID
	token := h.Token(t, admin)
	asked := 0
	for _, d := range contract(t) {
		if strings.HasPrefix(d.path, "/v1/author/labs/") {
			ids["lab"] = "of-hers-lab"
		}
		for _, p := range d.params {
			if p.In == "query" && p.Schema.Value.Enum != nil {
				asked++
				tells(t, d.name+"?"+p.Name+"=", send(t, h.API, d.method, d.at(ids)+"?"+p.Name+"=", token, ""), 400)
			}
		}
		if b := d.op.RequestBody; b != nil && b.Value.Content.Get("application/json") != nil && b.Value.Content.Get("application/json").Schema.Value.Required != nil {
			asked++
			tells(t, d.name+" with nothing", send(t, h.API, d.method, d.at(ids), token, "{}"), 400)
		}
	}
	if asked < 25 {
		t.Errorf("%d questions were asked: nothing was tested", asked)
	}
}
