package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// POST /v1/auth/register
func (api) register(c *gin.Context, as app.Actor) (any, error) {
	var r hub.Registration
	if err := decode(c, &r); err != nil {
		return nil, err
	}
	l, err := as.Via(c.Request.UserAgent()).Speaking(speaker(c).Language()).Register(c.Request.Context(), r)
	return created{l}, err
}

// POST /v1/auth/login
func (api) login(c *gin.Context, as app.Actor) (any, error) {
	var cr hub.Credentials
	if err := decode(c, &cr); err != nil {
		return nil, err
	}
	return as.Via(c.Request.UserAgent()).Login(c.Request.Context(), cr)
}

type refreshRequest struct {
	RefreshToken string `json:"refresh_token"`
}

// POST /v1/auth/refresh
func (api) refresh(c *gin.Context, as app.Actor) (any, error) {
	var r refreshRequest
	if err := decode(c, &r); err != nil {
		return nil, err
	}
	return as.Refresh(c.Request.Context(), r.RefreshToken)
}

// POST /v1/auth/logout
func (api) logout(c *gin.Context, as app.Actor) (any, error) {
	var r refreshRequest
	if err := decode(c, &r); err != nil {
		return nil, err
	}
	if r.RefreshToken == "" {
		return nil, wrong("/refresh_token", "Which sign-in is to end?")
	}
	return nil, as.Logout(c.Request.Context(), r.RefreshToken)
}

// GET /v1/users/profile
func (api) profile(c *gin.Context, as app.Actor) (any, error) {
	return as.Profile(c.Request.Context())
}

// PUT /v1/users/profile
func (api) updateProfile(c *gin.Context, as app.Actor) (any, error) {
	var p hub.ProfileUpdate
	if err := decode(c, &p); err != nil {
		return nil, err
	}
	return as.UpdateProfile(c.Request.Context(), p)
}

// GET /v1/users/usage
func (api) usage(c *gin.Context, as app.Actor) (any, error) {
	return as.Usage(c.Request.Context())
}

// GET /v1/users/keys
func (api) keys(c *gin.Context, as app.Actor) (any, error) {
	ks, err := as.Keys(c.Request.Context())
	return array(ks), err
}

// POST /v1/users/keys
func (api) addKey(c *gin.Context, as app.Actor) (any, error) {
	var k hub.NewKey
	if err := decode(c, &k); err != nil {
		return nil, err
	}
	key, err := as.AddKey(c.Request.Context(), k)
	return created{key}, err
}

// DELETE /v1/users/keys/{key}
func (api) removeKey(c *gin.Context, as app.Actor) (any, error) {
	return nil, as.RemoveKey(c.Request.Context(), c.Param("key"))
}
