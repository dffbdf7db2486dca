package httpapi

import (
	"net/http"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// leaving lets clients go while the server is about to: each answer is the last
// one of its connection, so that the next request goes elsewhere and nobody
// finds a connection closed that they were about to use.
func leaving(a *app.App, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Leaving.Load() {
			w.Header()["Connection"] = []string{"close"}
		}
		next.ServeHTTP(w, r)
	})
}

var errLeaving = &hub.Error{Code: hub.Unavailable, Message: "The server is about to stop. Another one will answer."}
