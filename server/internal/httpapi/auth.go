package httpapi

import (
	"strconv"
	"strings"
	"time"

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
	as := h.app.AsCaller(caller).From(c.ClientIP())
	if op.Metered() {
		st, err := as.Spend(c.Request.Context())
		stand(c, st)
		if err != nil {
			return as, err
		}
	}
	return as, as.May(op)
}

// stand tells how the caller stands with a limit, as draft-ietf-httpapi-
// ratelimit-headers-10 has it.
func stand(c *gin.Context, st app.Standing) {
	if st.Most == 0 {
		return
	}
	head := c.Writer.Header()
	head.Set("RateLimit-Policy", `"`+st.Policy+`";q=`+strconv.Itoa(st.Most)+";w="+strconv.Itoa(int(app.QuotaSpan.Seconds())))
	head.Set("RateLimit", `"`+st.Policy+`";r=`+strconv.Itoa(st.Left)+";t="+strconv.Itoa(int((st.Reset+time.Second-1)/time.Second)))
}

// callerOf finds out who asks: a guest without a token, nobody with a bad one.
// A bad token is never a guest: the caller believes to be signed in. Only the
// header counts: what is in an address ends up in logs.
func (h api) callerOf(c *gin.Context) (app.Caller, error) {
	header := c.GetHeader("Authorization")
	if header == "" {
		return app.Caller{User: app.Guest}, nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || len(c.Request.Header.Values("Authorization")) > 1 {
		return app.Caller{}, hub.Errorf(hub.Unauthenticated, "Send the token as: Authorization: Bearer TOKEN.")
	}
	who, err := h.app.Identify(c.Request.Context(), strings.TrimSpace(token))
	if err == nil {
		c.Set(userIDKey, who.User.ID)
	}
	return who, err
}
