package httpapi

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// GET /v1/labs
func (api) listLabs(c *gin.Context, as app.Actor) (any, error) {
	p, err := paging(c)
	if err != nil {
		return nil, err
	}
	runnable, err := flag(c, "runnable")
	if err != nil {
		return nil, err
	}
	if err := named(c, "provider"); err != nil {
		return nil, err
	}
	labs, err := as.Labs(c.Request.Context(), hub.LabFilter{
		Query: c.Query("q"), Course: c.Query("course"), Provider: c.Query("provider"), Runnable: runnable, Paging: p,
	})
	sameForGuests(c, as, err)
	return page(labs, err)
}

// GET /v1/labs/{lab}
func (api) showLab(c *gin.Context, as app.Actor) (any, error) {
	l, err := as.Lab(c.Request.Context(), c.Param("lab"))
	sameForGuests(c, as, err)
	return l, err
}

// GET /v1/labs/sessions
func (api) labSessions(c *gin.Context, as app.Actor) (any, error) {
	s, err := as.LabSessions(c.Request.Context())
	return array(s), err
}

// POST /v1/labs/{lab}/start
func (api) startLab(c *gin.Context, as app.Actor) (any, error) {
	s, isNew, err := as.OpenLab(c.Request.Context(), c.Param("lab"))
	if err == nil && isNew {
		return created{s}, nil
	}
	return s, err
}

// GET /v1/labs/{lab}/status
func (api) labStatus(c *gin.Context, as app.Actor) (any, error) {
	return as.LabSession(c.Request.Context(), c.Param("lab"))
}

// onStep answers with what do says of a step. The body may be left out: then
// it is the current one.
func onStep[T any](c *gin.Context, do func(context.Context, string, int) (T, error)) (any, error) {
	var b struct {
		Step int `json:"step"`
	}
	if c.Request.ContentLength != 0 {
		if err := decode(c, &b); err != nil {
			return nil, err
		}
	}
	return do(c.Request.Context(), c.Param("lab"), b.Step)
}

// POST /v1/labs/{lab}/check
func (api) checkLab(c *gin.Context, as app.Actor) (any, error) { return onStep(c, as.CheckLab) }

// POST /v1/labs/{lab}/hint
func (api) labHint(c *gin.Context, as app.Actor) (any, error) { return onStep(c, as.LabHint) }

// POST /v1/labs/{lab}/solution
func (api) labSolution(c *gin.Context, as app.Actor) (any, error) { return onStep(c, as.LabSolution) }

// POST /v1/labs/{lab}/answer
func (api) answerLab(c *gin.Context, as app.Actor) (any, error) {
	var b hub.LabAnswer
	if err := decode(c, &b); err != nil {
		return nil, err
	}
	return as.AnswerLab(c.Request.Context(), c.Param("lab"), b)
}

// POST /v1/labs/{lab}/next
func (api) nextLabStep(c *gin.Context, as app.Actor) (any, error) {
	return as.NextLabStep(c.Request.Context(), c.Param("lab"))
}

// POST /v1/labs/{lab}/skip
func (api) skipLabStep(c *gin.Context, as app.Actor) (any, error) {
	return as.SkipLabStep(c.Request.Context(), c.Param("lab"))
}

// PUT /v1/labs/{lab}/submit
func (api) submitLab(c *gin.Context, as app.Actor) (any, error) {
	return as.SubmitLab(c.Request.Context(), c.Param("lab"))
}

// POST /v1/labs/{lab}/stop
func (api) stopLab(c *gin.Context, as app.Actor) (any, error) {
	return as.StopLab(c.Request.Context(), c.Param("lab"))
}

// POST /v1/labs/{lab}/certificate
func (api) labCertificate(c *gin.Context, as app.Actor) (any, error) {
	var b struct {
		PublicKey string `json:"public_key"`
	}
	if err := decode(c, &b); err != nil {
		return nil, err
	}
	return as.LabCertificate(c.Request.Context(), c.Param("lab"), b.PublicKey)
}
