package client_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/docs"
)

// others are the operations that the SDK has no method for, and why.
var others = map[string]string{
	"GET /healthz":         "is for machines of the operator's",
	"GET /readyz":          "is for machines of the operator's",
	"GET /v1/openapi.yaml": "is what the SDK is held to",
	"GET /v1/openapi.json": "is what the SDK is held to",
	"GET /v1/docs":         "is for browsers",
	"GET /v1/docs/{asset}": "is for browsers",
	"POST /v1/graphql":     "is for who writes queries of their own",

	"GET /.well-known/oauth-authorization-server": "tells programs of others what this one knows",
}

// Each operation of the contract has a method that asks for it.
func TestEveryOperationHasAMethod(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked := map[string]bool{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		asked[r.Method+" "+r.URL.Path] = true
		mu.Unlock()
		if strings.HasSuffix(r.URL.Path, "/events") {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "null")
	}))
	t.Cleanup(srv.Close)
	c := reflect.ValueOf(client.New(srv.URL, client.Store(client.Memory(hub.Tokens{AccessToken: "a", RefreshToken: "r"}))))
	for i := range c.NumMethod() {
		m := c.Method(i)
		args := []reflect.Value{}
		for in := range m.Type().Ins() {
			args = append(args, made(t, in))
		}
		if m.Type().IsVariadic() {
			args = args[:len(args)-1]
		}
		m.Call(args)
	}

	doc, err := openapi3.NewLoader().LoadFromData(docs.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		at := regexp.MustCompile(`^` + parameter.ReplaceAllString(regexp.QuoteMeta(path), `(x|-|0|1)`) + `$`)
		for method, op := range item.Operations() {
			name := method + " " + path
			found := false
			for a := range asked {
				verb, where, _ := strings.Cut(a, " ")
				found = found || verb == method && at.MatchString(where)
			}
			if _, left := others[name]; !found && !left && !slices.Contains(op.Tags, "pages") {
				t.Errorf("no method of client.Client asks for %s: %s", name, op.Summary)
			}
		}
	}
}

var parameter = regexp.MustCompile(`\\\{\w+\\\}`)

// made is an argument of that type: texts are x.
func made(t *testing.T, of reflect.Type) reflect.Value {
	t.Helper()
	switch {
	case of == reflect.TypeFor[context.Context]():
		return reflect.ValueOf(t.Context())
	case of == reflect.TypeFor[io.Reader]():
		return reflect.ValueOf(bytes.NewReader([]byte("x")))
	case of.Kind() == reflect.String:
		return reflect.ValueOf("x").Convert(of)
	case of.Kind() == reflect.Func:
		return reflect.MakeFunc(of, func([]reflect.Value) []reflect.Value { return []reflect.Value{reflect.Zero(of.Out(0))} })
	}
	v := reflect.New(of).Elem()
	if of.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && f.Kind() == reflect.String {
				f.SetString("x")
			}
		}
	}
	return v
}
