package httpapi_test

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/httpapi/apitest"
)

// described is an operation as the contract has it.
type described struct {
	name, method, path string // METHOD /path/{parameter}
	op                 *openapi3.Operation
	params             []*openapi3.Parameter
}

// contract is every operation that the document describes, in order: what a test
// asks of all of them is asked of one that is added tomorrow.
func contract(t *testing.T) (all []described) {
	t.Helper()
	items := apitest.Document(t).Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(items)) {
		ops := items[path].Operations()
		for _, method := range slices.Sorted(maps.Keys(ops)) {
			d := described{name: method + " " + path, method: method, path: path, op: ops[method]}
			for _, p := range append(slices.Clone(items[path].Parameters), ops[method].Parameters...) {
				d.params = append(d.params, p.Value)
			}
			all = append(all, d)
		}
	}
	return all
}

// has reports whether there is such a parameter.
func (d described) has(in, name string) bool {
	return slices.ContainsFunc(d.params, func(p *openapi3.Parameter) bool { return p.In == in && p.Name == name })
}

// role is the least that gets anything of it.
func (d described) role() hub.Role {
	r, _ := d.op.Extensions["x-role"].(string)
	return hub.Role(r)
}

// at fills in the address.
func (d described) at(values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(d.path, func(name string) string { return values[strings.Trim(name, "{}")] })
}

// named is where an answer says which one it is.
var named = regexp.MustCompile(`"(?:instance|request_id)":"[^"]*",?`)

// bare is an answer without what differs between any two.
func (r response) bare() string { return named.ReplaceAllString(r.body, "") }

// public are operations at whose addresses stands nothing that belongs to
// anybody, or nothing that is hidden from anybody.
var public = map[string]string{
	"GET /v1/docs/{asset}":               "files of the page about the API",
	"GET /v1/certificates/{certificate}": "whoever is shown a certificate verifies it",
	"GET /certificates/{certificate}":    "whoever is shown a certificate verifies it",
}

// fitting is a body that an operation takes: the answer is about whose the thing
// is, not about the request.
var fitting = map[string]string{
	"POST /v1/courses/{course}/lessons/{lesson}/quiz": `{"answers":{}}`,
	"POST /v1/labs/{lab}/answer":                      `{"answer":["x"]}`,
	"POST /v1/labs/{lab}/report":                      `{"text":"x"}`,
	"POST /v1/labs/{lab}/goto":                        `{"step":1}`,
	"POST /v1/labs/{lab}/certificate":                 `{"public_key":"KEY"}`,
	"POST /v1/labs/{lab}/watch":                       `{"public_key":"KEY"}`,
	"PUT /v1/labs/{lab}/sharing":                      `{"on":true}`,
	"PUT /v1/labs/{lab}/recording":                    `{"on":true}`,
	"PUT /v1/author/courses/{course}/publication":     `{"published":true}`,
	"PUT /v1/author/labs/{lab}/steps/{step}/check":    `{"broken":true}`,
}

// belongings is one of everything that somebody can have, by the parameter that
// names it, and a name of the same shape that nobody has.
type belongings struct{ theirs, nobodys map[string]string }

// noneLike is an id that was never given out, of the shape of another.
func noneLike(id string) string {
	if len(id) == 36 && id[8] == '-' {
		return "00000000-0000-4000-8000-000000000000"
	}
	prefix := regexp.MustCompile(`^[a-z]+[-_]`).FindString(id)
	return prefix + strings.Repeat("z", len(id)-len(prefix))
}

func (h labHub) belongings(t *testing.T, c *client.Client) belongings {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	own := map[string]string{}
	signedIn, err := c.Sessions(ctx)
	must(err)
	own["session"] = signedIn[0].ID
	key, err := c.AddKey(ctx, hub.NewKey{PublicKey: publicKey(t)})
	must(err)
	own["key"] = key.ID
	token, err := c.CreateAPIKey(ctx, hub.NewAPIKey{Scopes: []hub.Scope{hub.LabsRead}})
	must(err)
	own["token"] = token.ID
	course, err := push(t, c, sampleFolder(t, "hers"), false)
	must(err)
	own["course"], own["lesson"], own["version"] = course.ID, "counting", "1"
	draft, err := c.UploadDraft(ctx, bytes.NewReader(repository(t, scenarios())))
	must(err)
	own["draft"] = draft.ID
	s := h.ready(t, c, "files")
	own["lab"], own["step"] = s.ID, "1"
	_, err = c.RecordLab(ctx, s.ID, true)
	must(err)
	rec, _, err := h.App.Recorder(ctx, s.ID, "xterm", 80, 24)
	must(err)
	_, err = rec.Write([]byte("hers"))
	must(err)
	must(rec.Close())
	recordings, err := c.Recordings(ctx)
	must(err)
	own["recording"] = recordings[0].ID
	kept, err := c.SaveLab(ctx, s.ID, "hers")
	must(err)
	own["checkpoint"] = kept.ID
	author := author{h.actor(t, c)}
	author.publishLabs(t, "of-hers", true, touchLab("of-hers-lab"))
	learner := h.User(t, hub.Free)
	report, err := learner.ReportLab(ctx, h.ready(t, learner, "of-hers-lab").ID, 1, "it fails")
	must(err)
	own["report"] = report.ID
	b := belongings{theirs: own, nobodys: maps.Clone(own)}
	for _, name := range []string{"session", "key", "token", "course", "draft", "lab", "recording", "checkpoint", "report"} {
		b.nobodys[name] = noneLike(own[name])
	}
	return b
}

// What is somebody else's answers as what never was, wherever an address has a
// name in it, and wherever a body or a filter has.
func TestNothingOfOthersIsThere(t *testing.T) {
	t.Parallel()
	h := newLabHub(t)
	ada, bob := h.User(t, hub.Instructor), h.User(t, hub.Instructor)
	b := h.belongings(t, ada)
	token := h.Token(t, bob)
	running := h.ready(t, bob, "more").ID
	key := strings.TrimSpace(publicKey(t))
	asked := 0
	// ask gives up on what is there after all and, being a stream, has no end.
	ask := func(method, path, body string) response {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		return sendContext(ctx, t, h.API, method, path, token, body)
	}
	same := func(what string, theirs, none response, want int) {
		t.Helper()
		asked++
		if theirs.status != want || none.status != want || theirs.bare() != none.bare() {
			t.Errorf("%s\nhers:     %d %s\nnobody's: %d %s", what, theirs.status, theirs.body, none.status, none.body)
		}
	}
	for _, d := range contract(t) {
		if !strings.Contains(d.path, "{") || public[d.name] != "" || d.role() == hub.Admin { // to whom everything is there
			continue
		}
		body := strings.ReplaceAll(fitting[d.name], "KEY", key)
		theirs, nobodys := b.theirs, b.nobodys
		if d.name == "GET /v1/labs/{lab}" || d.name == "POST /v1/labs/{lab}/start" || strings.HasPrefix(d.path, "/v1/author/labs/") {
			theirs, nobodys = maps.Clone(theirs), maps.Clone(nobodys)
			theirs["lab"], nobodys["lab"] = "hers-count-lines", "none-count-lines" // of the course that is not published
			if strings.HasPrefix(d.path, "/v1/author/") {
				theirs["lab"], nobodys["lab"] = "of-hers-lab", "of-nobodys-lab"
			}
		}
		if at := d.at(theirs); strings.Contains(at, "//") || strings.HasSuffix(at, "/") {
			t.Errorf("%s: a test has to make one of it, so that others can ask for it", d.name)
			continue
		}
		same(d.name, ask(d.method, d.at(theirs), body), ask(d.method, d.at(nobodys), body), http.StatusNotFound)
		if d.method == http.MethodGet {
			same("HEAD of it", ask(http.MethodHead, d.at(theirs), ""), ask(http.MethodHead, d.at(nobodys), ""), http.StatusNotFound)
		}
	}
	for _, in := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/v1/users/progress", `{"course_id":"{course}","lesson_id":"counting","progress_percentage":1}`, 422},
		{"POST", "/v1/labs/" + running + "/reset", `{"checkpoint":"{checkpoint}"}`, 404},
		{"POST", "/v1/labs/more/resume", `{"checkpoint":"{checkpoint}"}`, 404},
		{"GET", "/v1/labs?course={course}", "", 200},
		{"GET", "/v1/labs?course=hers", "", 200},
		{"GET", "/v1/labs?q=hippopotamus", "", 200},
		{"GET", "/v1/courses?q=hippopotamus", "", 200},
		{"GET", "/v1/labs/checkpoints?lab={lab}", "", 200},
		{"GET", "/v1/author/reports?lab=of-hers-lab", "", 200},
		{"POST", "/v1/graphql", `{"query":"{course(id:\"{course}\"){title}}"}`, 200},
	} {
		fill := func(s string, values map[string]string) string {
			return placeholder.ReplaceAllStringFunc(s, func(name string) string {
				if v, ok := values[strings.Trim(name, "{}")]; ok {
					return v
				}
				return name
			})
		}
		none := strings.NewReplacer("of-hers-lab", "of-nobodys", "hers", "nobodys", "hippopotamus", "rhinoceros")
		theirs := send(t, h.API, in.method, fill(in.path, b.theirs), token, fill(in.body, b.theirs))
		nobodys := send(t, h.API, in.method, fill(none.Replace(in.path), b.nobodys), token, fill(in.body, b.nobodys))
		same(in.method+" "+in.path+" "+in.body, theirs, nobodys, in.want)
	}
	if asked < 40 {
		t.Errorf("%d questions were asked: nothing was tested", asked)
	}

	// And all of it is still hers.
	for name, err := range map[string]error{
		"key": ada.RemoveKey(t.Context(), b.theirs["key"]), "token": ada.RevokeAPIKey(t.Context(), b.theirs["token"]),
		"recording": ada.RemoveRecording(t.Context(), b.theirs["recording"]), "checkpoint": ada.ForgetCheckpoint(t.Context(), b.theirs["checkpoint"]),
		"report": ada.SettleReport(t.Context(), b.theirs["report"]), "draft": ada.RemoveDraft(t.Context(), b.theirs["draft"]),
	} {
		if err != nil {
			t.Errorf("her %s: %v", name, err)
		}
	}
	if s, err := ada.LabSession(t.Context(), b.theirs["lab"]); err != nil || s.State == hub.Stopped {
		t.Errorf("her lab: %+v, %v", s, err)
	}
	if c, err := ada.AuthoredCourse(t.Context(), b.theirs["course"]); err != nil || c.Version != 1 {
		t.Errorf("her course: %+v, %v", c, err)
	}
}
