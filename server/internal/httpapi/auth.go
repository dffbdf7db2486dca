package httpapi

import (
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// userOf finds out who asks: a guest without a token, nobody with a bad one. A
// bad token is never a guest: the caller believes to be signed in.
func (h api) userOf(c *gin.Context) (hub.User, error) {
	header := c.GetHeader("Authorization")
	if header == "" {
		return app.Guest, nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || len(c.Request.Header.Values("Authorization")) > 1 {
		return hub.User{}, hub.Errorf(hub.Unauthenticated, "Send the token as: Authorization: Bearer TOKEN.")
	}
	u, err := h.app.Authenticate(c.Request.Context(), strings.TrimSpace(token))
	if err == nil {
		c.Set(userIDKey, u.ID)
	}
	return u, err
}
