package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/server/internal/graph"
	"github.com/cloudmastershub/cmh/words"
)

// POST /v1/graphql
//
// A request counts as often as it has root fields: each is what a request would
// be elsewhere. Only what changes something is done once for an Idempotency-Key.
func (h api) graphql(op access.Operation) gin.HandlerFunc {
	return func(c *gin.Context) {
		as, err := h.admit(c, op)
		if err != nil {
			h.write(c, h.problem(c, err), false)
			return
		}
		o, wrong := h.prepare(c, as)
		run := func(c *gin.Context, as app.Actor) (any, error) {
			if e, ok := errors.AsType[graph.Errors](wrong); ok {
				a := graphAnswer(c, e.Answer(h.inGraph(c)))
				a.Status = http.StatusBadRequest
				return graphed{a}, nil
			}
			if wrong != nil {
				return nil, wrong
			}
			return graphed{graphAnswer(c, o.Run(c.Request.Context(), as, h.inGraph(c)))}, nil
		}
		if wrong == nil && !o.Mutates() {
			h.write(c, h.ask(c, run, as), true)
			return
		}
		h.write(c, h.onceOnly(c, run, as, usual), true)
	}
}

func (h api) prepare(c *gin.Context, as app.Actor) (*graph.Operation, error) {
	body, err := readBody(c, maxBody)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		return nil, wrong("", "This takes one operation a request: ask for several fields in it, or send several requests.")
	}
	var r graph.Request
	if err := decode(c, &r); err != nil {
		return nil, err
	}
	o, err := graph.Prepare(c.Request.Context(), r, !h.app.HideSchema)
	if err != nil {
		return nil, err
	}
	for range o.Roots - 1 { // admit has counted the first
		st, err := as.Spend(c.Request.Context())
		stand(c, st)
		if err != nil {
			return nil, err
		}
	}
	return o, nil
}

// graphed is an answer that says itself what went wrong.
type graphed struct{ answer }

const graphType = "application/graphql-response+json"

func graphAnswer(c *gin.Context, g graph.Answer) answer {
	a := answer{Status: http.StatusOK, ContentType: "application/json; charset=utf-8"}
	c.Writer.Header().Add("Vary", "Accept")
	if strings.Contains(c.GetHeader("Accept"), graphType) {
		a.ContentType = graphType + "; charset=utf-8"
	}
	for _, e := range g.Errors {
		switch e.Extensions["code"] {
		case hub.Internal, hub.Unavailable, hub.Limit, hub.Unauthenticated:
			a.passing = true
		}
	}
	a.Body, _ = json.Marshal(g) // encoded before, and strings
	return a
}

// inGraph words errors as a problem would.
func (h api) inGraph(c *gin.Context) graph.Explain {
	return func(err error) (string, map[string]any) {
		p := h.explain(c, err)
		extensions := map[string]any{
			"code": p.Code, "status": p.Status, "type": p.Type, "title": p.Title, "request_id": p.RequestID, "next": speaker(c).T(step(p.Code)),
		}
		if len(p.Errors) > 0 {
			extensions["errors"] = p.Errors
		}
		if p.Place > 0 {
			extensions["place"] = p.Place
		}
		if p.retryAfter > 0 {
			extensions["retry_after"] = p.retryAfter
		}
		return p.Detail, extensions
	}
}

// step is what may be done about an error.
func step(c hub.Code) string {
	switch c {
	case hub.Invalid:
		return words.Mark("Change what the message names. docs/schema.graphql has every field and its arguments.")
	case hub.Unauthenticated:
		return words.Mark("Sign in with POST /v1/auth/login, or make an API key, and send it as: Authorization: Bearer TOKEN.")
	case hub.Forbidden:
		return words.Mark("Ask as somebody with that role or tier, or with an API key of that scope. docs/access.md says who may.")
	case hub.NotFound:
		return words.Mark("Look for the id in the lists: they show what there is for the caller.")
	case hub.Conflict:
		return words.Mark("Read how it stands now, and decide anew.")
	case hub.Limit, hub.Unavailable:
		return words.Mark("Ask again, after retry_after seconds where that is told.")
	}
	return words.Mark("Ask again; when it stays, tell the operator the request_id.")
}
