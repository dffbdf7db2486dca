package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/words"
	"github.com/cloudmastershub/cmh/words/more"
)

// problem is the body of every error, RFC 9457.
type problem struct {
	Type      string           `json:"type"`
	Title     string           `json:"title"`
	Status    int              `json:"status"`
	Detail    string           `json:"detail"`
	Instance  string           `json:"instance"`
	Code      hub.Code         `json:"code"`
	RequestID string           `json:"request_id"`
	Errors    []hub.FieldError `json:"errors,omitempty"`
	Place     int              `json:"place,omitempty"`
	OAuth     string           `json:"error,omitempty"` // what RFC 6749 calls it

	retryAfter int // seconds
}

// status is the HTTP status of each code.
var status = map[hub.Code]int{
	hub.Invalid:         http.StatusBadRequest,
	hub.Unauthenticated: http.StatusUnauthorized,
	hub.Forbidden:       http.StatusForbidden,
	hub.NotFound:        http.StatusNotFound,
	hub.Conflict:        http.StatusConflict,
	hub.Limit:           http.StatusTooManyRequests,
	hub.Unavailable:     http.StatusServiceUnavailable,
	hub.Internal:        http.StatusInternalServerError,
}

var titles = map[hub.Code]string{
	hub.Invalid:         words.Mark("The request cannot work as written"),
	hub.Unauthenticated: words.Mark("Not signed in"),
	hub.Forbidden:       words.Mark("Not allowed"),
	hub.NotFound:        words.Mark("Not found"),
	hub.Conflict:        words.Mark("It changed meanwhile"),
	hub.Limit:           words.Mark("Too much at once"),
	hub.Unavailable:     words.Mark("Not available right now"),
	hub.Internal:        words.Mark("Something went wrong on our side"),
}

// refined gives an error a status of its own, within what its code means.
type refined struct {
	error
	status int
}

func (r refined) Unwrap() error { return r.error }

// problem is the answer that explains err.
func (h api) problem(c *gin.Context, err error) answer {
	p := h.explain(c, err)
	a := answer{Status: p.Status, ContentType: "application/problem+json", RetryAfter: p.retryAfter, Language: speaker(c).Language()}
	a.Body, _ = json.Marshal(p) // strings and numbers
	return a
}

// speaker speaks the language that the caller asks for.
func speaker(c *gin.Context) words.Speaker {
	return more.Languages.Accept(first(c.Request.Header["Accept-Language"]))
}

// explain words err in the caller's language, and logs what they must not see.
func (h api) explain(c *gin.Context, err error) problem {
	say := speaker(c)
	p := problem{
		Status: 0, Detail: say.T(hub.MessageOf(err)), Instance: printable(c.Request.URL.Path),
		Code: hub.CodeOf(err), RequestID: requestID(c),
	}
	if e, ok := errors.AsType[*hub.Error](err); ok {
		format, args := e.Format()
		p.Detail = say.Said(e.Message, format, args...)
		p.Errors, p.Place = inWords(say, e.Fields), e.Place
		if e.RetryAfter > 0 {
			p.retryAfter = max(1, int(e.RetryAfter.Seconds()+0.999))
		}
	}
	gone := c.Request.Context().Err() != nil && p.Code == hub.Internal
	if gone {
		// The caller has gone: nothing went wrong on our side.
		p.Code, p.Detail = hub.Unavailable, say.T("The request was given up.")
	}
	p.Status = status[p.Code]
	if p.Code == hub.Invalid && len(p.Errors) > 0 {
		p.Status = http.StatusUnprocessableEntity
	}
	if o, ok := errors.AsType[*app.OAuthError](err); ok {
		p.OAuth, p.Status = o.Name, http.StatusBadRequest
	}
	if r, ok := errors.AsType[refined](err); ok {
		p.Status = r.status
	}
	p.Type, p.Title = "https://cloudmastershub.com/problems/"+string(p.Code), say.T(titles[p.Code])
	// A queue is no failure, and neither is a start or an end. What can't be counted is logged by whoever counts.
	if p.Code == hub.Internal || p.Code == hub.Unavailable && p.Place == 0 && (!gone || !errors.Is(err, context.Canceled)) &&
		!errors.Is(err, errStarting) && !errors.Is(err, errLeaving) && !errors.Is(err, app.ErrUncountable) {
		h.log.ErrorContext(c.Request.Context(), "request failed", "route", c.FullPath(), "request_id", p.RequestID, "err", err)
	}
	return p
}

// inWords says what is wrong with values in the caller's language. What is shared
// stays as it is.
func inWords(say words.Speaker, fields []hub.FieldError) []hub.FieldError {
	said := slices.Clone(fields)
	for i, f := range fields {
		format, args := f.Format()
		said[i].Detail = say.Said(f.Detail, format, args...)
	}
	return said
}

// errPanicked is the answer to a panic; its cause is logged where it is caught.
var errPanicked = errors.New("panic")

func noRoute(*gin.Context, app.Actor) (any, error) {
	return nil, hub.Errorf(hub.NotFound, "There is nothing at this address.")
}

func noMethod(c *gin.Context, _ app.Actor) (any, error) {
	return nil, refined{hub.Errorf(hub.Invalid, "This address does not answer %s.", c.Request.Method), http.StatusMethodNotAllowed}
}
