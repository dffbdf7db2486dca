package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// GET /v1/users/export
func (api) export(c *gin.Context, as app.Actor) (any, error) {
	e, err := as.Export(c.Request.Context())
	if err == nil {
		c.Header("Content-Disposition", `attachment; filename="cloudmastershub-export.json"`)
	}
	return e, err
}

// DELETE /v1/users/me
func (api) deleteAccount(c *gin.Context, as app.Actor) (any, error) {
	var d hub.Deletion
	if err := decode(c, &d); err != nil {
		return nil, err
	}
	return as.DeleteAccount(c.Request.Context(), d)
}
