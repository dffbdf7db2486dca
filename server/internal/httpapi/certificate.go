package httpapi

import (
	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// GET /v1/certificates
func (api) certificates(c *gin.Context, as app.Actor) (any, error) {
	all, err := as.Certificates(c.Request.Context())
	return array(all), err
}

// GET /v1/certificates/{certificate}
func (api) certificate(c *gin.Context, as app.Actor) (any, error) {
	return as.Certificate(c.Request.Context(), c.Param("certificate"))
}

// GET /certificates/{certificate}
func (api) certificatePage(c *gin.Context, as app.Actor) (any, error) {
	say := speaker(c)
	k, err := as.Certificate(c.Request.Context(), c.Param("certificate"))
	switch hub.CodeOf(err) {
	case "":
	case hub.NotFound:
		return show(c, sheet{Title: say.T("No certificate")}, err)
	default:
		return nil, err
	}
	return show(c, sheet{Title: say.T("Certificate"), Text: []string{
		k.Name, say.T("has completed the course"), k.Title, say.Tf("on %s.", say.When(k.IssuedAt, "2 January 2006")),
		say.Tf("CloudMastersHub, certificate %s", k.ID),
	}}, nil)
}
