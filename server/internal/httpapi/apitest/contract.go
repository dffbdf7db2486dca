package apitest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/klauspost/compress/zstd"

	"github.com/cloudmastershub/cmh/docs"
)

// Document returns docs/openapi.yaml.
func Document(t testing.TB) *openapi3.T {
	t.Helper()
	s := load()
	if s.err == nil {
		s.err = s.doc.Validate(t.Context())
	}
	if s.err != nil {
		t.Fatalf("docs/openapi.yaml: %v", s.err)
	}
	return s.doc
}

type spec struct {
	doc    *openapi3.T
	router routers.Router
	err    error
}

var load = sync.OnceValue(func() (s spec) {
	openapi3filter.RegisterBodyDecoder("application/gzip", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/graphql-response+json", openapi3filter.JSONBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/x-asciicast", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/css", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/javascript", openapi3filter.FileBodyDecoder)
	if s.doc, s.err = openapi3.NewLoader().LoadFromData(docs.OpenAPI); s.err != nil {
		return s
	}
	s.doc.Servers = nil
	s.router, s.err = gorillamux.NewRouter(s.doc)
	return s
})

// contract fails the test when an answer is not what the document says, or
// when a request that the document refuses succeeds.
func contract(t testing.TB, next http.Handler) http.Handler {
	t.Helper()
	Document(t)
	router := load().router
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
		if err != nil {
			return // the test's own client hung up
		}
		served := r.Clone(r.Context())
		served.Body = io.NopCloser(bytes.NewReader(body))
		if len(body) == 0 {
			served.Body = http.NoBody
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, served)
		if err := check(router, r, body, rec); err != nil {
			t.Errorf("%s %s answered %d, against docs/openapi.yaml: %v\nrequest: %.500s\nanswer: %.500s",
				r.Method, r.URL, rec.Code, err, body, rec.Body)
		}
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
}

func check(router routers.Router, r *http.Request, body []byte, rec *httptest.ResponseRecorder) error {
	ctx := r.Context()
	asked := r.Clone(ctx)
	asked.Body = io.NopCloser(bytes.NewReader(body))
	asked.URL = documented(r.URL)
	if asked.Method == http.MethodHead {
		asked.Method = http.MethodGet
	}
	route, params, err := router.FindRoute(asked)
	if err != nil {
		if rec.Code >= 400 && rec.Code < 500 {
			return nil
		}
		return fmt.Errorf("no such operation: %w", err)
	}
	options := &openapi3filter.Options{MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}
	in := &openapi3filter.RequestValidationInput{Request: asked, PathParams: params, Route: route, Options: options}
	if bad := openapi3filter.ValidateRequest(ctx, in); bad != nil && rec.Code < 400 {
		return fmt.Errorf("the request should have been refused: %w", bad)
	}
	if rec.Code == http.StatusNotModified {
		return nil
	}
	if !anyMay[rec.Code] && rec.Code >= 400 && route.Operation.Responses.Status(rec.Code) == nil {
		return fmt.Errorf("its responses don't name %d", rec.Code)
	}
	answer := rec.Body.Bytes()
	switch rec.Header().Get("Content-Encoding") {
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(answer))
		if err != nil {
			return err
		}
		defer z.Close()
		if answer, err = io.ReadAll(z); err != nil {
			return err
		}
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(answer))
		if err != nil {
			return err
		}
		if answer, err = io.ReadAll(z); err != nil {
			return err
		}
	}
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: rec.Code, Header: rec.Header(), Body: io.NopCloser(bytes.NewReader(answer)), Options: options,
	})
}

// anyMay holds the statuses that any operation may answer with: the default
// answer stands for them.
var anyMay = map[int]bool{
	http.StatusBadRequest: true, http.StatusMethodNotAllowed: true, http.StatusRequestURITooLong: true,
	http.StatusInternalServerError: true, http.StatusServiceUnavailable: true,
}

// documented is the address as the document writes it.
func documented(u *url.URL) *url.URL {
	d := *u
	if rest, ok := strings.CutPrefix(u.Path, "/api/v1/"); ok {
		d.Path, d.RawPath = "/v1/"+rest, strings.TrimPrefix(u.RawPath, "/api")
	}
	return &d
}
