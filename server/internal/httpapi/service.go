package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client"
	"github.com/cloudmastershub/cmh/docs"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

type health struct {
	Status string `json:"status"`
}

// GET /healthz
func (api) healthz(*gin.Context, app.Actor) (any, error) { return health{"ok"}, nil }

// GET /readyz
func (h api) readyz(c *gin.Context, _ app.Actor) (any, error) {
	if h.app.Leaving.Load() {
		return nil, errLeaving
	}
	if err := h.app.Ready(c.Request.Context()); err != nil {
		return nil, err
	}
	return health{"ok"}, nil
}

// GET /v1/version
func (api) version(c *gin.Context, _ app.Actor) (any, error) {
	sameForAll(c)
	return struct {
		Version string `json:"version"`
	}{client.Version}, nil
}

// GET /v1/openapi.yaml
func (api) openapi(c *gin.Context, _ app.Actor) (any, error) {
	sameForAll(c)
	return document{"application/yaml", docs.OpenAPI}, nil
}

// GET /v1/openapi.json
func (api) openapiJSON(c *gin.Context, _ app.Actor) (any, error) {
	body, err := docs.OpenAPIJSON()
	if err == nil {
		sameForAll(c)
	}
	return document{"application/json; charset=utf-8", body}, err
}
