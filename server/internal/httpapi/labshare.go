package httpapi

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// GET /v1/labs/shared
func (api) sharedLabs(c *gin.Context, as app.Actor) (any, error) {
	s, err := as.SharedLabs(c.Request.Context())
	return array(s), err
}

// GET /v1/labs/{lab}/sharing
func (api) labSharing(c *gin.Context, as app.Actor) (any, error) {
	return as.LabSharing(c.Request.Context(), c.Param("lab"))
}

// switchLab answers with what do says of switching something on or off.
func switchLab[T any](c *gin.Context, do func(context.Context, string, bool) (T, error)) (any, error) {
	var b struct {
		On *bool `json:"on"`
	}
	if err := decode(c, &b); err != nil {
		return nil, err
	}
	if b.On == nil {
		return nil, hub.Errorf(hub.Invalid, "Say whether it is to be on: true or false.")
	}
	return do(c.Request.Context(), c.Param("lab"), *b.On)
}

// PUT /v1/labs/{lab}/sharing
func (api) shareLab(c *gin.Context, as app.Actor) (any, error) { return switchLab(c, as.ShareLab) }

// POST /v1/labs/{lab}/watch
func (api) watchLab(c *gin.Context, as app.Actor) (any, error) {
	var b struct {
		PublicKey string `json:"public_key"`
	}
	if err := decode(c, &b); err != nil {
		return nil, err
	}
	return as.WatchCertificate(c.Request.Context(), c.Param("lab"), b.PublicKey)
}

// GET /v1/labs/{lab}/recording
func (api) labRecording(c *gin.Context, as app.Actor) (any, error) {
	return as.LabRecording(c.Request.Context(), c.Param("lab"))
}

// PUT /v1/labs/{lab}/recording
func (api) recordLab(c *gin.Context, as app.Actor) (any, error) { return switchLab(c, as.RecordLab) }

// GET /v1/recordings
func (api) recordings(c *gin.Context, as app.Actor) (any, error) {
	r, err := as.Recordings(c.Request.Context())
	return array(r), err
}

// GET /v1/recordings/{recording}
func (api) recording(c *gin.Context, as app.Actor) (any, error) {
	file, err := as.Recording(c.Request.Context(), c.Param("recording"))
	if err != nil {
		return nil, err
	}
	return document{"application/x-asciicast", file}, nil
}

// DELETE /v1/recordings/{recording}
func (api) removeRecording(c *gin.Context, as app.Actor) (any, error) {
	return nil, as.RemoveRecording(c.Request.Context(), c.Param("recording"))
}
