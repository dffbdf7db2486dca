package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/server/internal/app"
)

// POST /v1/labs/{lab}/extend
func (api) extendLab(c *gin.Context, as app.Actor) (any, error) {
	var b struct {
		Minutes int `json:"minutes"`
	}
	if c.Request.ContentLength != 0 {
		if err := decode(c, &b); err != nil {
			return nil, err
		}
	}
	return as.ExtendLab(c.Request.Context(), c.Param("lab"), b.Minutes)
}
