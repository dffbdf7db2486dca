package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/words"
)

const (
	carryCookie = "cmh_attempt"
	carryPath   = "/auth/oidc"
)

// redirect is an answer that sends a browser elsewhere.
type redirect struct{ to string }

func (r redirect) answer() answer {
	return answer{Status: http.StatusSeeOther, ContentType: "text/plain; charset=utf-8", Location: r.to}
}

// carry gives the browser what it is to bring back. The first one comes back from
// another site, by a link.
func (h api) carry(c *gin.Context, value string, from http.SameSite) {
	age := 600
	if value == "" {
		age = -1
	}
	http.SetCookie(c.Writer, &http.Cookie{
		Name: carryCookie, Value: value, Path: carryPath, MaxAge: age, HttpOnly: true, SameSite: from,
		Secure: strings.HasPrefix(h.app.PublicURL, "https://"),
	})
}

func carried(c *gin.Context) string {
	v, err := c.Request.Cookie(carryCookie)
	if err != nil {
		return ""
	}
	return v.Value
}

func beginAnew(say words.Speaker) sheet {
	return sheet{Title: say.T("Not signed in"), Links: []link{{say.T("Enter the code again"), "/device"}}}
}

// GET /auth/oidc
func (h api) askElsewhere(c *gin.Context, as app.Actor) (any, error) {
	to, carry, err := as.AskElsewhere(c.Request.Context(), c.Query("user_code"))
	if err != nil {
		return show(c, beginAnew(speaker(c)), err)
	}
	h.carry(c, carry, http.SameSiteLaxMode)
	return redirect{to}, nil
}

// GET /auth/oidc/callback
func (h api) knownElsewhere(c *gin.Context, as app.Actor) (any, error) {
	u, d, carry, err := as.KnownElsewhere(c.Request.Context(), carried(c), c.Query("state"), c.Query("code"))
	if err != nil {
		h.carry(c, "", http.SameSiteLaxMode)
		return show(c, beginAnew(speaker(c)), err)
	}
	h.carry(c, carry, http.SameSiteStrictMode)
	say := speaker(c)
	p := confirmation(say, d, "")
	p.Text = append([]string{say.Tf("You are %s (%s).", u.Username, u.Email)}, p.Text...)
	p.Action, p.Fields = carryPath, nil
	return show(c, p, nil)
}

// POST /auth/oidc
func (h api) confirmElsewhere(c *gin.Context, as app.Actor) (any, error) {
	v, err := form(c)
	if err != nil {
		return show(c, beginAnew(speaker(c)), err)
	}
	deny := v.Get("answer") != "approve"
	if err := as.ConfirmElsewhere(c.Request.Context(), carried(c), deny); err != nil {
		return show(c, beginAnew(speaker(c)), err)
	}
	h.carry(c, "", http.SameSiteStrictMode)
	if deny {
		return show(c, refusedSheet(speaker(c)), nil)
	}
	return show(c, signedInSheet(speaker(c)), nil)
}

// elsewhere adds the way to sign in by somebody else, where there is one.
func (h api) elsewhere(say words.Speaker, p sheet, d hub.DeviceRequest) sheet {
	if name := h.app.ProviderName(); name != "" {
		p.Links = append(p.Links, link{say.Tf("Sign in with %s", name), carryPath + "?user_code=" + url.QueryEscape(d.UserCode)})
	}
	return p
}
