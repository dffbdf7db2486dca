package httpapi

import (
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// admit finds out who asks, and refuses those who get nothing of an operation.
func (h api) admit(c *gin.Context, op access.Operation) (app.Actor, error) {
	caller, err := h.callerOf(c)
	if err != nil {
		return app.Actor{}, err
	}
	as := h.app.AsCaller(caller).From(h.peer(c))
	if op.Metered() {
		st, err := as.Spend(c.Request.Context())
		stand(c, st)
		if err != nil {
			return as, err
		}
	}
	return as, as.May(op)
}

// admitStranger is admit for signing in: whoever it is, they are counted by
// address, and tokens are not looked at.
func (h api) admitStranger(c *gin.Context, op access.Operation) (app.Actor, error) {
	as := h.app.As(app.Guest).From(h.peer(c))
	st, err := as.SpendSignIn(c.Request.Context())
	stand(c, st)
	if err != nil {
		return as, err
	}
	return as, as.May(op)
}

// stand tells how the caller stands with a limit.
func stand(c *gin.Context, st app.Standing) { replyTo(c).standing = st }

// callerOf finds out who asks: a guest without a token, nobody with a bad one.
// A bad token is never a guest: the caller believes to be signed in. Only the
// header counts: what is in an address ends up in logs.
func (h api) callerOf(c *gin.Context) (app.Caller, error) {
	headers := c.Request.Header["Authorization"]
	if first(headers) == "" {
		return app.Caller{User: app.Guest}, nil
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || len(headers) > 1 {
		return app.Caller{}, hub.Errorf(hub.Unauthenticated, "Send the token as: Authorization: Bearer TOKEN.")
	}
	r := replyTo(c)
	who, err := h.app.Identify(c.Request.Context(), strings.TrimSpace(token), r.lastSeen())
	if err == nil {
		r.user = who.User.ID
	}
	return who, err
}
