package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/cloudmastershub/cmh/client/hub"
)

// GraphErrors are the fields of an answer that failed. Each is found by
// errors.As; hub.CodeOf gives the first one's code.
type GraphErrors []GraphError

func (e GraphErrors) Error() string {
	said := make([]string, len(e))
	for i := range e {
		said[i] = e[i].Error()
	}
	return strings.Join(said, "\n")
}

// Unwrap returns each of them.
func (e GraphErrors) Unwrap() []error {
	all := make([]error, len(e))
	for i := range e {
		all[i] = &e[i]
	}
	return all
}

// GraphError is one field that failed, or why nothing was done.
type GraphError struct {
	Err  *hub.Error // what the rest of the API would have answered
	Path []any      // where in the answer: names and positions; nil for none
	Next string     // what may be done about it
}

func (e *GraphError) Error() string { return e.Err.Message }

// Unwrap returns Err.
func (e *GraphError) Unwrap() error { return e.Err }

// GraphQL asks for what query says, in the language of docs/schema.graphql, and
// decodes what is told into out, a pointer. Of fields that fail the others are
// told all the same: out is filled in as far as it goes also where the error is
// GraphErrors.
func (c *Client) GraphQL(ctx context.Context, query string, vars map[string]any, out any) error {
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message    string `json:"message"`
			Path       []any  `json:"path"`
			Extensions struct {
				Code       hub.Code         `json:"code"`
				RequestID  string           `json:"request_id"`
				Errors     []hub.FieldError `json:"errors"`
				RetryAfter int              `json:"retry_after"`
				Place      int              `json:"place"`
				Next       string           `json:"next"`
			} `json:"extensions"`
		} `json:"errors"`
	}
	body := struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables,omitempty"`
	}{query, vars}
	resp, err := c.do(ctx, call{method: http.MethodPost, path: cut("/v1/graphql"), body: body, out: &answer, key: rand.Text(), graph: true})
	if err != nil {
		return err
	}
	told := answer.Data != nil && string(answer.Data) != "null"
	if told && out != nil {
		if err := json.Unmarshal(answer.Data, out); err != nil {
			return hub.Wrap(err, hub.Invalid, "What was told does not fit what it should be decoded into.")
		}
	}
	var failed GraphErrors
	for _, e := range answer.Errors[:min(len(answer.Errors), 100)] {
		x := e.Extensions
		if !known(x.Code) || e.Message == "" {
			return notUnderstood(resp, errors.New("an error without a code"))
		}
		failed = append(failed, GraphError{
			Err: &hub.Error{
				Code: x.Code, Message: short(e.Message, 2000), Fields: x.Errors[:min(len(x.Errors), 100)], RequestID: short(x.RequestID, 100),
				RetryAfter: time.Duration(max(0, min(x.RetryAfter, 86400))) * time.Second, Place: max(0, x.Place),
			},
			Path: e.Path, Next: short(x.Next, 500),
		})
	}
	switch {
	case failed != nil:
		return failed
	case !told:
		return notUnderstood(resp, errors.New("neither data nor errors"))
	}
	return nil
}
