package httpapi

import (
	"mime"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

type deviceBeginning struct {
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
}

type deviceTokenRequest struct {
	DeviceCode   string `json:"device_code"`
	GrantType    string `json:"grant_type"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"` // OAuth libraries send an empty one
	Scope        string `json:"scope"`
}

const deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code"

// isForm reports whether a body is sent as OAuth libraries send theirs.
func isForm(c *gin.Context) bool {
	kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// POST /v1/auth/device
func (api) beginDevice(c *gin.Context, as app.Actor) (any, error) {
	var r deviceBeginning
	if isForm(c) {
		v, err := values(c)
		if err != nil {
			return nil, err
		}
		r.ClientID = v.Get("client_id")
	} else if err := decode(c, &r); err != nil {
		return nil, err
	}
	if r.ClientID == "" {
		r.ClientID = c.Request.UserAgent()
	}
	return as.Via(r.ClientID).BeginDevice(c.Request.Context(), origin(c))
}

// origin is where the caller has reached us.
func origin(c *gin.Context) string {
	if c.Request.TLS != nil {
		return "https://" + c.Request.Host
	}
	return "http://" + c.Request.Host
}

// POST /v1/auth/device/token
func (api) deviceToken(c *gin.Context, as app.Actor) (any, error) {
	var r deviceTokenRequest
	if isForm(c) {
		v, err := values(c)
		if err != nil {
			return nil, err
		}
		r.DeviceCode, r.GrantType = v.Get("device_code"), v.Get("grant_type")
	} else if err := decode(c, &r); err != nil {
		return nil, err
	}
	if r.GrantType != "" && r.GrantType != deviceGrantType {
		return nil, &app.OAuthError{Name: "unsupported_grant_type", Err: hub.Errorf(hub.Invalid, "The grant_type is %s.", deviceGrantType)}
	}
	return as.DeviceLogin(c.Request.Context(), r.DeviceCode)
}

type deviceAnswer struct {
	UserCode string `json:"user_code"`
	Answer   string `json:"answer"`
}

// POST /v1/auth/device/approval
func (api) answerDevice(c *gin.Context, as app.Actor) (any, error) {
	var r deviceAnswer
	if err := decode(c, &r); err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	d, err := as.DeviceRequest(ctx, r.UserCode)
	if err != nil {
		return nil, err
	}
	switch r.Answer {
	case "approve":
		err = as.ApproveDevice(ctx, r.UserCode)
	case "deny":
		err = as.DenyDevice(ctx, r.UserCode)
	case "", "look":
	default:
		err = wrong("/answer", "This is approve, deny or look.")
	}
	return d, err
}

// GET /device
func (h api) devicePage(c *gin.Context, as app.Actor) (any, error) {
	ask := sheet{
		Title: "Sign in", Text: []string{"Enter the code that the program shows."}, Method: "get", Action: "/device",
		Fields: []input{{"text", "user_code", "Code", "", "off"}}, Submit: []button{{Label: "Go on"}},
	}
	code := c.Query("user_code")
	if code == "" {
		return show(c, ask, nil)
	}
	d, err := as.DeviceRequest(c.Request.Context(), code)
	if err != nil {
		return show(c, ask, err)
	}
	return show(c, h.elsewhere(confirmation(d, ""), d), nil)
}

// confirmation asks whether somebody wants what a program waits for.
func confirmation(d hub.DeviceRequest, email string) sheet {
	program := d.Client
	if program == "" {
		program = "A program that doesn't say what it is"
	}
	return sheet{
		Title: "Sign in with " + d.UserCode,
		Text: []string{
			program + " has asked at " + d.CreatedAt.UTC().Format(time.TimeOnly) + " UTC to act for you.",
			"Go on only if you see the code " + d.UserCode + " in a terminal of yours. If somebody sent it to you, refuse.",
		},
		Method: "post", Action: "/device",
		Fields: []input{
			{"hidden", "user_code", "", d.UserCode, ""},
			{"text", "email", "E-mail or user name", email, "username"},
			{"password", "password", "Password", "", "current-password"},
		},
		Submit: []button{{Label: "Sign the program in", Value: "approve"}, {Label: "Refuse", Value: "deny"}},
	}
}

// POST /device
func (h api) confirmDevice(c *gin.Context, as app.Actor) (any, error) {
	again := sheet{Title: "Sign in", Links: []link{{"Enter the code again", "/device"}}}
	v, err := form(c)
	if err != nil {
		return show(c, again, err)
	}
	ctx, code := c.Request.Context(), v.Get("user_code")
	d, err := as.DeviceRequest(ctx, code)
	if err != nil {
		return show(c, again, err)
	}
	me, err := as.SignInForm(ctx, hub.Credentials{Email: v.Get("email"), Password: v.Get("password")})
	if err != nil {
		return show(c, h.elsewhere(confirmation(d, v.Get("email")), d), err)
	}
	if v.Get("answer") == "deny" {
		return show(c, sheet{Title: "Refused", Text: []string{"The program gets nothing."}}, me.DenyDevice(ctx, code))
	}
	return show(c, sheet{Title: "Signed in", Text: []string{"The program is signed in. You can close this page and go back to it."}}, me.ApproveDevice(ctx, code))
}

// GET /verify
func (api) verifyPage(c *gin.Context, _ app.Actor) (any, error) {
	// A button, because programs that look at mail open what is linked there.
	return show(c, sheet{
		Title: "Confirm your e-mail address", Method: "post", Action: "/verify",
		Fields: []input{{"hidden", "token", "", c.Query("token"), ""}}, Submit: []button{{Label: "Confirm"}},
	}, nil)
}

// POST /verify
func (api) confirmEmail(c *gin.Context, as app.Actor) (any, error) {
	v, err := form(c)
	if err == nil {
		err = as.VerifyEmail(c.Request.Context(), v.Get("token"))
	}
	if err != nil {
		return show(c, sheet{Title: "Not confirmed"}, err)
	}
	return show(c, sheet{Title: "Confirmed", Text: []string{"The address is yours."}}, nil)
}

func resetForm(token string) sheet {
	return sheet{
		Title: "Set a new password", Text: []string{"It ends every sign-in and every API key of your account."}, Method: "post", Action: "/reset",
		Fields: []input{
			{"hidden", "token", "", token, ""},
			{"password", "new_password", "New password", "", "new-password"},
			{"password", "again", "The same again", "", "new-password"},
		},
		Submit: []button{{Label: "Set it"}},
	}
}

// GET /reset
func (api) resetPage(c *gin.Context, _ app.Actor) (any, error) {
	return show(c, resetForm(c.Query("token")), nil)
}

// POST /reset
func (api) confirmReset(c *gin.Context, as app.Actor) (any, error) {
	v, err := form(c)
	if err == nil && v.Get("new_password") != v.Get("again") {
		err = hub.Errorf(hub.Invalid, "The two passwords differ.")
	}
	if err == nil {
		err = as.ResetPassword(c.Request.Context(), hub.PasswordReset{Token: v.Get("token"), New: v.Get("new_password")})
	}
	if err != nil {
		return show(c, resetForm(v.Get("token")), err)
	}
	return show(c, sheet{Title: "Done", Text: []string{"Your password is the new one. Sign in with it."}}, nil)
}
