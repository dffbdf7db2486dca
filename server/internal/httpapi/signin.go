package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

type emailRequest struct {
	Email string `json:"email"`
}

// POST /v1/auth/forgot-password
func (api) forgotPassword(c *gin.Context, as app.Actor) (any, error) {
	var r emailRequest
	if err := decode(c, &r); err != nil {
		return nil, err
	}
	return nil, as.ForgotPassword(c.Request.Context(), r.Email)
}

// POST /v1/auth/reset-password
func (api) resetPassword(c *gin.Context, as app.Actor) (any, error) {
	var r hub.PasswordReset
	if err := decode(c, &r); err != nil {
		return nil, err
	}
	return nil, as.ResetPassword(c.Request.Context(), r)
}

type tokenRequest struct {
	Token string `json:"token"`
}

// POST /v1/auth/verify-email
func (api) verifyEmail(c *gin.Context, as app.Actor) (any, error) {
	var r tokenRequest
	if err := decode(c, &r); err != nil {
		return nil, err
	}
	return nil, as.VerifyEmail(c.Request.Context(), r.Token)
}

// PUT /v1/users/password
func (api) changePassword(c *gin.Context, as app.Actor) (any, error) {
	var r hub.PasswordChange
	if err := decode(c, &r); err != nil {
		return nil, err
	}
	return nil, as.ChangePassword(c.Request.Context(), r)
}

// GET /v1/users/email
func (api) email(c *gin.Context, as app.Actor) (any, error) {
	return as.Email(c.Request.Context())
}

// PUT /v1/users/email
func (api) changeEmail(c *gin.Context, as app.Actor) (any, error) {
	var r hub.EmailChange
	if err := decode(c, &r); err != nil {
		return nil, err
	}
	return as.ChangeEmail(c.Request.Context(), r)
}

// POST /v1/users/email/verification
func (api) sendVerification(c *gin.Context, as app.Actor) (any, error) {
	return nil, as.SendVerification(c.Request.Context())
}

// GET /v1/users/sessions
func (api) sessions(c *gin.Context, as app.Actor) (any, error) {
	all, err := as.Sessions(c.Request.Context())
	return array(all), err
}

type ended struct {
	Ended int `json:"ended"`
}

// DELETE /v1/users/sessions
func (api) endOtherSessions(c *gin.Context, as app.Actor) (any, error) {
	n, err := as.EndOtherSessions(c.Request.Context())
	return ended{n}, err
}

// DELETE /v1/users/sessions/{session}
func (api) endSession(c *gin.Context, as app.Actor) (any, error) {
	return nil, as.EndSession(c.Request.Context(), c.Param("session"))
}

// GET /v1/users/preferences
func (api) preferences(c *gin.Context, as app.Actor) (any, error) {
	return as.Preferences(c.Request.Context())
}

// PUT /v1/users/preferences
func (api) setPreferences(c *gin.Context, as app.Actor) (any, error) {
	var p hub.Preferences
	if err := decode(c, &p); err != nil {
		return nil, err
	}
	return as.SetPreferences(c.Request.Context(), p)
}
