package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the page
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
)

// sheet is what a browser is shown: a few sentences and one form. It needs no
// script, and its policy forbids them.
type sheet struct {
	Language       string
	Title, Wrong   string
	Text           []string
	Method, Action string
	Fields         []input
	Submit         []button // none without a form
	Links          []link

	status     int // 200 when it is not set
	retryAfter int // seconds
}

type input struct{ Type, Name, Label, Value, Complete string }

type button struct {
	Label, Value string
	Anyway       bool // also when the form is not filled in
}

type link struct{ Label, To string }

// Style is the whole of it: the policy names its hash.
func (sheet) Style() template.CSS { return style }

const style = `body{font:1rem/1.5 system-ui,sans-serif;color:#111;background:#fff}main{max-width:28rem;margin:4rem auto;padding:0 1rem}` +
	`input{font:inherit;width:100%;padding:.4rem;margin-bottom:1rem;box-sizing:border-box}button{font:inherit;padding:.4rem 1rem;margin-right:.5rem}` +
	`[role=alert]{border-left:4px solid #b00;padding-left:.6rem}@media(prefers-color-scheme:dark){body{color:#eee;background:#111}a{color:#9cf}}`

//go:embed pages/page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// drawn is an answer that is a page.
type drawn struct{ sheet }

func (s drawn) answer() answer {
	a := answer{Status: s.status, ContentType: "text/html; charset=utf-8", RetryAfter: s.retryAfter, Language: s.Language}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	var b bytes.Buffer
	_ = pageTemplate.Execute(&b, s.sheet) // strings into a buffer
	a.Body = b.Bytes()
	return a
}

// show answers with a page in the reader's language, and with what err says on it where that is for the
// reader to better. Other errors are answered as everywhere.
func show(c *gin.Context, p sheet, err error) (any, error) {
	c.Header("Content-Security-Policy", pagePolicy)
	c.Header("Cross-Origin-Opener-Policy", "same-origin")
	say := speaker(c)
	p.Language = say.Language()
	if err == nil {
		return drawn{p}, nil
	}
	e, ok := errors.AsType[*hub.Error](err)
	if !ok || e.Code == hub.Internal {
		return nil, err
	}
	format, args := e.Format()
	p.Wrong, p.status = say.Said(e.Message, format, args...), status[e.Code]
	if e.Code == hub.Unauthenticated { // a browser would ask for what we don't take
		p.status = http.StatusForbidden
	}
	if e.RetryAfter > 0 {
		p.retryAfter = max(1, int(e.RetryAfter.Seconds()+0.999))
	}
	return drawn{p}, nil
}

const maxForm = 16 << 10

var crossOrigin = http.NewCrossOriginProtection()

// form reads what a page of ours has sent.
func form(c *gin.Context) (url.Values, error) {
	if err := crossOrigin.Check(c.Request); err != nil {
		return nil, hub.Wrap(err, hub.Forbidden, "That came from another site.")
	}
	return values(c)
}

func values(c *gin.Context) (url.Values, error) {
	if err := contentType(c, "application/x-www-form-urlencoded"); err != nil {
		return nil, err
	}
	body, err := readBody(c, maxForm)
	if err != nil {
		return nil, err
	}
	v, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, hub.Errorf(hub.Invalid, "The form cannot be read.")
	}
	for name, all := range v {
		if len(all) != 1 || !clean(name) || !clean(all[0]) {
			return nil, hub.Errorf(hub.Invalid, "The form cannot be read.")
		}
	}
	return v, nil
}
