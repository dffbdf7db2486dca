package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// POST /v1/users/progress/batch
func (api) replay(c *gin.Context, as app.Actor) (any, error) {
	var batch struct {
		Events []hub.LearningEvent `json:"events"`
	}
	if err := decode(c, &batch); err != nil {
		return nil, err
	}
	results, err := as.Replay(c.Request.Context(), batch.Events)
	if err != nil {
		return nil, err
	}
	say := speaker(c)
	for _, r := range results {
		if p := r.Problem; p != nil {
			format, args := p.Format()
			p.Detail, p.Errors = say.Said(p.Detail, format, args...), inWords(say, p.Errors)
		}
	}
	return struct {
		Results []hub.EventResult `json:"results"`
	}{results}, nil
}
