package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// GET /v1/labs/history
func (api) labHistory(c *gin.Context, as app.Actor) (any, error) {
	p, err := paging(c)
	if err != nil {
		return nil, err
	}
	return page(as.LabHistory(c.Request.Context(), hub.LabHistoryFilter{Lab: c.Query("lab"), Course: c.Query("course"), Paging: p}))
}

// GET /v1/courses/{course}/lessons/{lesson}/quiz/attempts
func (api) quizAttempts(c *gin.Context, as app.Actor) (any, error) {
	p, err := paging(c)
	if err != nil {
		return nil, err
	}
	return page(as.QuizAttempts(c.Request.Context(), c.Param("course"), c.Param("lesson"), p))
}
