package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// GET /v1/users/progress
func (api) progress(c *gin.Context, as app.Actor) (any, error) {
	ps, err := as.Progress(c.Request.Context())
	return array(ps), err
}

// POST /v1/users/progress takes {"entries": [...]}, or one entry by itself.
func (api) recordProgress(c *gin.Context, as app.Actor) (any, error) {
	body, err := readBody(c, maxBody)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(body, []byte(`"entries"`)) && bytes.IndexByte(body, '\\') < 0 { // most are one, plainly
		return recordOne(c, as, body)
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(body, &keys) == nil && keys != nil {
		if _, many := keys["entries"]; !many {
			return recordOne(c, as, body)
		}
	}
	var batch struct {
		Entries []hub.ProgressEntry `json:"entries"`
	}
	if err := decode(c, &batch); err != nil {
		return nil, err
	}
	return as.RecordProgress(c.Request.Context(), batch.Entries)
}

// recordOne is for a body that is an entry: errors point into that body.
func recordOne(c *gin.Context, as app.Actor, body []byte) (any, error) {
	if err := contentType(c, "application/json"); err != nil {
		return nil, err
	}
	entry, ok := plainEntry(body)
	if !ok {
		entry = hub.ProgressEntry{}
		if err := decodeBytes(body, &entry); err != nil {
			return nil, err
		}
	}
	merged, err := as.RecordProgress(c.Request.Context(), []hub.ProgressEntry{entry})
	if e, ok := errors.AsType[*hub.Error](err); ok && len(e.Fields) > 0 {
		own := *e
		own.Fields = nil
		for _, f := range e.Fields {
			own.Fields = append(own.Fields, hub.FieldError{Pointer: strings.TrimPrefix(f.Pointer, "/entries/0"), Detail: f.Detail})
		}
		return nil, &own
	}
	return merged, err
}

// GET /v1/users/achievements
func (api) achievements(c *gin.Context, as app.Actor) (any, error) {
	return as.Achievements(c.Request.Context())
}

// GET /v1/users/next
func (api) next(c *gin.Context, as app.Actor) (any, error) {
	steps, err := as.Next(c.Request.Context())
	return array(steps), err
}
