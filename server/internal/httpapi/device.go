package httpapi

import (
	"mime"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/words"
)

type deviceBeginning struct {
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
}

type deviceTokenRequest struct {
	DeviceCode   string `json:"device_code"`
	RefreshToken string `json:"refresh_token"`
	GrantType    string `json:"grant_type"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"` // OAuth libraries send an empty one
	Scope        string `json:"scope"`
}

const (
	deviceGrantType  = "urn:ietf:params:oauth:grant-type:device_code"
	refreshGrantType = "refresh_token"
)

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
	if replyTo(c).secure {
		return "https://" + c.Request.Host
	}
	return "http://" + c.Request.Host
}

// POST /v1/auth/device/token
func (h api) deviceToken(c *gin.Context, as app.Actor) (any, error) {
	var r deviceTokenRequest
	if isForm(c) {
		v, err := values(c)
		if err != nil {
			return nil, err
		}
		r.DeviceCode, r.RefreshToken, r.GrantType = v.Get("device_code"), v.Get("refresh_token"), v.Get("grant_type")
	} else if err := decode(c, &r); err != nil {
		return nil, err
	}
	switch {
	case r.GrantType == refreshGrantType && r.RefreshToken != "":
		return h.renew(c, as, r.RefreshToken)
	case r.GrantType == refreshGrantType:
		return nil, &app.OAuthError{Name: "invalid_request", Err: missing("refresh_token")}
	case r.GrantType != "" && r.GrantType != deviceGrantType:
		return nil, &app.OAuthError{Name: "unsupported_grant_type", Err: hub.Errorf(hub.Invalid, "The grant_type is %s.", deviceGrantType)}
	case r.DeviceCode == "":
		return nil, &app.OAuthError{Name: "invalid_request", Err: missing("device_code")}
	}
	return as.DeviceLogin(c.Request.Context(), r.DeviceCode)
}

// renew is /v1/auth/refresh for OAuth libraries, which renew what they were given
// where they were given it.
func (h api) renew(c *gin.Context, as app.Actor, refreshToken string) (l hub.Login, err error) {
	ctx := c.Request.Context()
	if l.Tokens, err = as.Refresh(ctx, refreshToken); err == nil {
		l.User, err = h.app.Authenticate(ctx, l.AccessToken)
	}
	if hub.CodeOf(err) == hub.Unauthenticated {
		err = &app.OAuthError{Name: "invalid_grant", Err: err}
	}
	return l, err
}

// authorizationServer is what RFC 8414 calls our ways to sign a program in.
type authorizationServer struct {
	Issuer     string   `json:"issuer"`
	Device     string   `json:"device_authorization_endpoint"`
	Token      string   `json:"token_endpoint"`
	Grants     []string `json:"grant_types_supported"`
	Responses  []string `json:"response_types_supported"`
	Clients    []string `json:"token_endpoint_auth_methods_supported"`
	AboutItAll string   `json:"service_documentation"`
}

// GET /.well-known/oauth-authorization-server
func (h api) authorizationServer(c *gin.Context, _ app.Actor) (any, error) {
	base := h.app.PublicURL
	if base == "" {
		base = origin(c)
	}
	return authorizationServer{
		Issuer: base, Device: base + "/v1/auth/device", Token: base + "/v1/auth/device/token",
		Grants: []string{deviceGrantType, refreshGrantType}, Responses: []string{}, Clients: []string{"none"}, AboutItAll: base + "/v1/docs",
	}, nil
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
	say := speaker(c)
	ask := sheet{
		Title: say.T("Sign in"), Text: []string{say.T("Enter the code that the program shows.")}, Method: "get", Action: "/device",
		Fields: []input{{"text", "user_code", say.T("Code"), "", "off"}}, Submit: []button{{Label: say.T("Go on")}},
	}
	code := c.Query("user_code")
	if code == "" {
		return show(c, ask, nil)
	}
	d, err := as.DeviceRequest(c.Request.Context(), code)
	if err != nil {
		return show(c, ask, err)
	}
	return show(c, h.elsewhere(say, confirmation(say, d, ""), d), nil)
}

// confirmation asks whether somebody wants what a program waits for.
func confirmation(say words.Speaker, d hub.DeviceRequest, email string) sheet {
	program := d.Client
	if program == "" {
		program = say.T("A program that doesn't say what it is")
	}
	return sheet{
		Title: say.Tf("Sign in with %s", d.UserCode),
		Text: []string{
			say.Tf("%s has asked at %s UTC to act for you.", program, d.CreatedAt.UTC().Format(time.TimeOnly)),
			say.Tf("Go on only if you see the code %s in a terminal of yours. If somebody sent it to you, refuse.", d.UserCode),
		},
		Method: "post", Action: "/device",
		Fields: []input{
			{"hidden", "user_code", "", d.UserCode, ""},
			{"text", "email", say.T("E-mail or user name"), email, "username"},
			{"password", "password", say.T("Password"), "", "current-password"},
		},
		Submit: []button{{Label: say.T("Sign the program in"), Value: "approve"}, {Label: say.T("Refuse"), Value: "deny"}},
	}
}

// POST /device
func (h api) confirmDevice(c *gin.Context, as app.Actor) (any, error) {
	say := speaker(c)
	again := sheet{Title: say.T("Sign in"), Links: []link{{say.T("Enter the code again"), "/device"}}}
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
		return show(c, h.elsewhere(say, confirmation(say, d, v.Get("email")), d), err)
	}
	if v.Get("answer") == "deny" {
		return show(c, refusedSheet(say), me.DenyDevice(ctx, code))
	}
	return show(c, signedInSheet(say), me.ApproveDevice(ctx, code))
}

func refusedSheet(say words.Speaker) sheet {
	return sheet{Title: say.T("Refused"), Text: []string{say.T("The program gets nothing.")}}
}

func signedInSheet(say words.Speaker) sheet {
	return sheet{Title: say.T("Signed in"), Text: []string{say.T("The program is signed in. You can close this page and go back to it.")}}
}

// GET /verify
func (api) verifyPage(c *gin.Context, _ app.Actor) (any, error) {
	say := speaker(c)
	// A button, because programs that look at mail open what is linked there.
	return show(c, sheet{
		Title: say.T("Confirm your e-mail address"), Method: "post", Action: "/verify",
		Fields: []input{{"hidden", "token", "", c.Query("token"), ""}}, Submit: []button{{Label: say.T("Confirm")}},
	}, nil)
}

// POST /verify
func (api) confirmEmail(c *gin.Context, as app.Actor) (any, error) {
	say := speaker(c)
	v, err := form(c)
	if err == nil {
		err = as.VerifyEmail(c.Request.Context(), v.Get("token"))
	}
	if err != nil {
		return show(c, sheet{Title: say.T("Not confirmed")}, err)
	}
	return show(c, sheet{Title: say.T("Confirmed"), Text: []string{say.T("The address is yours.")}}, nil)
}

func resetForm(say words.Speaker, token string) sheet {
	return sheet{
		Title: say.T("Set a new password"), Text: []string{say.T("It ends every sign-in and every API key of your account.")}, Method: "post", Action: "/reset",
		Fields: []input{
			{"hidden", "token", "", token, ""},
			{"password", "new_password", say.T("New password"), "", "new-password"},
			{"password", "again", say.T("The same again"), "", "new-password"},
		},
		Submit: []button{{Label: say.T("Set it")}},
	}
}

// GET /reset
func (api) resetPage(c *gin.Context, _ app.Actor) (any, error) {
	return show(c, resetForm(speaker(c), c.Query("token")), nil)
}

// POST /reset
func (api) confirmReset(c *gin.Context, as app.Actor) (any, error) {
	say := speaker(c)
	v, err := form(c)
	if err == nil && v.Get("new_password") != v.Get("again") {
		err = hub.Errorf(hub.Invalid, "The two passwords differ.")
	}
	if err == nil {
		err = as.ResetPassword(c.Request.Context(), hub.PasswordReset{Token: v.Get("token"), New: v.Get("new_password")})
	}
	if err != nil {
		return show(c, resetForm(say, v.Get("token")), err)
	}
	return show(c, sheet{Title: say.T("Done"), Text: []string{say.T("Your password is the new one. Sign in with it.")}}, nil)
}
