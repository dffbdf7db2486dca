package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// GET /v1/users/tokens
func (api) apiKeys(c *gin.Context, as app.Actor) (any, error) {
	ks, err := as.APIKeys(c.Request.Context())
	return array(ks), err
}

// POST /v1/users/tokens
func (api) createAPIKey(c *gin.Context, as app.Actor) (any, error) {
	var n hub.NewAPIKey
	if err := decode(c, &n); err != nil {
		return nil, err
	}
	k, err := as.CreateAPIKey(c.Request.Context(), n)
	return created{k}, err
}

// DELETE /v1/users/tokens/{token}
func (api) revokeAPIKey(c *gin.Context, as app.Actor) (any, error) {
	return nil, as.RevokeAPIKey(c.Request.Context(), c.Param("token"))
}
