// Package httpapi is the REST door into app: it decodes a request, calls one
// app method, and encodes the answer. Rules live in app.
package httpapi

import (
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

type api struct {
	app *app.App
	log *slog.Logger
}

// New returns the API's handler.
func New(a *app.App, log *slog.Logger) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	h := api{a, log}
	for _, base := range []string{"/v1", "/api/v1"} {
		h.routes(r.Group(base))
	}
	return r
}

// routes is the route table. docs/openapi.yaml names the same operations, and
// a test holds the two together.
func (h api) routes(*gin.RouterGroup) {
}

// handler answers one request, for one user: a body to encode, or an error to
// explain. A nil body is 204.
type handler func(*gin.Context, app.Actor) (any, error)

// status is the HTTP status of each code.
var status = map[hub.Code]int{
	hub.Invalid:         http.StatusBadRequest,
	hub.Unauthenticated: http.StatusUnauthorized,
	hub.Forbidden:       http.StatusForbidden,
	hub.NotFound:        http.StatusNotFound,
	hub.Conflict:        http.StatusConflict,
	hub.Limit:           http.StatusTooManyRequests,
	hub.Unavailable:     http.StatusServiceUnavailable,
	hub.Internal:        http.StatusInternalServerError,
}
