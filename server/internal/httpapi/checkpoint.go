package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// GET /v1/labs/checkpoints
func (api) checkpoints(c *gin.Context, as app.Actor) (any, error) {
	return as.Checkpoints(c.Request.Context(), c.Query("lab"))
}

// DELETE /v1/labs/checkpoints/{checkpoint}
func (api) forgetCheckpoint(c *gin.Context, as app.Actor) (any, error) {
	return nil, as.ForgetCheckpoint(c.Request.Context(), c.Param("checkpoint"))
}

// optional decodes a body that may be left out.
func optional(c *gin.Context, into any) error {
	if c.Request.ContentLength == 0 {
		return nil
	}
	return decode(c, into)
}

// POST /v1/labs/{lab}/save
func (api) saveLab(c *gin.Context, as app.Actor) (any, error) {
	var b struct {
		Name string `json:"name"`
	}
	if err := optional(c, &b); err != nil {
		return nil, err
	}
	kept, err := as.SaveLab(c.Request.Context(), c.Param("lab"), b.Name)
	return created{kept}, err
}

// POST /v1/labs/{lab}/reset
func (api) resetLab(c *gin.Context, as app.Actor) (any, error) {
	var to hub.LabReturn
	if err := optional(c, &to); err != nil {
		return nil, err
	}
	return as.ResetLab(c.Request.Context(), c.Param("lab"), to)
}

// POST /v1/labs/{lab}/goto
func (api) gotoLabStep(c *gin.Context, as app.Actor) (any, error) {
	var b struct {
		Step int `json:"step"`
	}
	if err := decode(c, &b); err != nil {
		return nil, err
	}
	return as.GotoLabStep(c.Request.Context(), c.Param("lab"), b.Step)
}

// POST /v1/labs/{lab}/resume
func (api) resumeLab(c *gin.Context, as app.Actor) (any, error) {
	var b struct {
		Checkpoint string `json:"checkpoint"`
	}
	if err := optional(c, &b); err != nil {
		return nil, err
	}
	s, err := as.ResumeLab(c.Request.Context(), c.Param("lab"), b.Checkpoint)
	return created{s}, err
}
