package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// GET /v1/admin/users
func (api) accounts(c *gin.Context, as app.Actor) (any, error) {
	p, err := paging(c)
	if err != nil {
		return nil, err
	}
	if err := named(c, "role"); err != nil {
		return nil, err
	}
	suspended, err := flag(c, "suspended")
	if err != nil {
		return nil, err
	}
	return page(as.Accounts(c.Request.Context(), hub.AccountFilter{Query: c.Query("q"), Role: hub.Role(c.Query("role")), Suspended: suspended, Paging: p}))
}

// GET /v1/admin/users/{user}
func (api) account(c *gin.Context, as app.Actor) (any, error) {
	return as.Account(c.Request.Context(), c.Param("user"))
}

// PUT /v1/admin/users/{user}/role
func (api) setRole(c *gin.Context, as app.Actor) (any, error) {
	var r hub.RoleChange
	if err := decode(c, &r); err != nil {
		return nil, err
	}
	return as.SetRole(c.Request.Context(), c.Param("user"), r.Role)
}

// POST /v1/admin/users/{user}/suspend
func (api) suspend(c *gin.Context, as app.Actor) (any, error) {
	return as.Suspend(c.Request.Context(), c.Param("user"))
}

// POST /v1/admin/users/{user}/unsuspend
func (api) unsuspend(c *gin.Context, as app.Actor) (any, error) {
	return as.Unsuspend(c.Request.Context(), c.Param("user"))
}

// GET /v1/admin/labs
func (api) labsInFlight(c *gin.Context, as app.Actor) (any, error) {
	p, err := paging(c)
	if err != nil {
		return nil, err
	}
	return page(as.LabsInFlight(c.Request.Context(), p))
}

// POST /v1/admin/labs/{session}/stop
func (api) stopLabInFlight(c *gin.Context, as app.Actor) (any, error) {
	return nil, as.StopLabInFlight(c.Request.Context(), c.Param("session"))
}

// GET /v1/admin/audit
func (api) auditLog(c *gin.Context, as app.Actor) (any, error) {
	p, err := paging(c)
	if err != nil {
		return nil, err
	}
	return page(as.AuditLog(c.Request.Context(), hub.AuditFilter{
		ActorID: c.Query("actor"), SubjectID: c.Query("subject"), Action: c.Query("action"), Paging: p,
	}))
}

// GET /v1/admin/stats
func (api) stats(c *gin.Context, as app.Actor) (any, error) {
	return as.Stats(c.Request.Context())
}
