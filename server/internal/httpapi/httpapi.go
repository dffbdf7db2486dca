// Package httpapi is the REST door into app: it decodes a request, calls one
// app method, and encodes the answer. Rules live in app.
package httpapi

import (
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/server/internal/access"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

type api struct {
	app      *app.App
	log      *slog.Logger
	showcase *showcase
	uploads  *uploads
	options
	retiring map[string]retirement
	proxies  []netip.Prefix
}

// New returns the API's handler.
func New(a *app.App, log *slog.Logger, with ...Option) http.Handler {
	h := api{app: a, log: log, showcase: &showcase{}, uploads: &uploads{of: map[string]bool{}}, retiring: retiring, proxies: prefixes(a.TrustedProxies)}
	for _, o := range with {
		o(&h.options)
	}
	return leaving(a, headAsGet(h.engine()))
}

func (h api) engine() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	// The peer is who connected; who a header names only if a proxy that we know
	// says so. The list has been checked.
	_ = r.SetTrustedProxies(h.app.TrustedProxies)
	r.RemoteIPHeaders = []string{"X-Forwarded-For"}
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false
	r.UseRawPath = true          // a key's fingerprint holds slashes
	r.UnescapePathValues = false // outer does, without making blanks of plus signs
	if h.tracer != nil {
		r.Use(h.traced)
	}
	r.Use(h.outer)
	if len(h.origins) > 0 {
		r.Use(h.cors)
	}
	nothing := access.Operation{Who: access.Everybody}
	r.NoRoute(h.do(noRoute)(nothing))
	r.NoMethod(h.do(noMethod)(nothing))

	service := router{&r.RouterGroup, h.retiring}
	service.GET("/healthz", h.do(h.healthz))
	service.GET("/readyz", h.do(h.readyz))
	service.GET("/.well-known/oauth-authorization-server", h.do(h.authorizationServer, signIn))
	service.GET("/device", h.do(h.devicePage, signIn))
	service.POST("/device", h.do(h.confirmDevice, signIn))
	service.GET("/auth/oidc", h.do(h.askElsewhere, signIn))
	service.GET("/auth/oidc/callback", h.do(h.knownElsewhere, signIn))
	service.POST("/auth/oidc", h.do(h.confirmElsewhere, signIn))
	service.GET("/verify", h.do(h.verifyPage, signIn))
	service.POST("/verify", h.do(h.confirmEmail, signIn))
	service.GET("/reset", h.do(h.resetPage, signIn))
	service.POST("/reset", h.do(h.confirmReset, signIn))
	service.GET("/certificates/:certificate", h.do(h.certificatePage, signIn))
	for _, base := range []string{"/v1", "/api/v1"} {
		h.routes(router{r.Group(base), h.retiring})
	}
	return r
}

// A route answers the requests of one operation, as far as access lets their
// callers.
type route func(access.Operation) gin.HandlerFunc

// A router gives each route its row of the table of access. Without one it
// answers nobody.
type router struct {
	group    *gin.RouterGroup
	retiring map[string]retirement
}

// GET, POST, PUT and DELETE add a route.
func (r router) GET(path string, to route)    { r.add(http.MethodGet, path, to) }
func (r router) POST(path string, to route)   { r.add(http.MethodPost, path, to) }
func (r router) PUT(path string, to route)    { r.add(http.MethodPut, path, to) }
func (r router) DELETE(path string, to route) { r.add(http.MethodDelete, path, to) }

func (r router) add(method, path string, to route) {
	name := operation(method, strings.TrimPrefix(r.group.BasePath(), "/api")+path)
	op, _ := access.Of(name)
	if going, ok := r.retiring[name]; ok {
		r.group.Handle(method, path, going.announce, to(op))
		return
	}
	r.group.Handle(method, path, to(op))
}

// operation is the name of a route in the table of access and in the document.
func operation(method, path string) string {
	return method + " " + parameter.ReplaceAllString(strings.Replace(path, "//", "/", 1), "{$1}")
}

// routes is the route table. docs/openapi.yaml names the same operations, and
// a test holds the two together.
func (h api) routes(r router) {
	// service
	r.GET("/version", h.do(h.version))
	r.GET("/openapi.yaml", h.do(h.openapi))
	r.GET("/openapi.json", h.do(h.openapiJSON))
	r.GET("/docs", h.do(h.docsPage))
	r.GET("/docs/:asset", h.do(h.docsAsset))

	// all of it, for those who ask for what they want
	r.POST("/graphql", h.graphql)

	// account
	r.POST("/auth/register", h.do(h.register, signIn))
	r.POST("/auth/login", h.do(h.login, signIn))
	r.POST("/auth/refresh", h.do(h.refresh, signIn))
	r.POST("/auth/logout", h.do(h.logout, signIn))
	r.POST("/auth/device", h.do(h.beginDevice, signIn))
	r.POST("/auth/device/token", h.do(h.deviceToken, signIn))
	r.POST("/auth/device/approval", h.do(h.answerDevice))
	r.POST("/auth/forgot-password", h.do(h.forgotPassword, signIn))
	r.POST("/auth/reset-password", h.do(h.resetPassword, signIn))
	r.POST("/auth/verify-email", h.do(h.verifyEmail, signIn))
	r.PUT("/users/password", h.do(h.changePassword))
	r.GET("/users/email", h.do(h.email))
	r.PUT("/users/email", h.do(h.changeEmail))
	r.POST("/users/email/verification", h.do(h.sendVerification))
	r.GET("/users/sessions", h.do(h.sessions))
	r.DELETE("/users/sessions", h.do(h.endOtherSessions))
	r.DELETE("/users/sessions/:session", h.do(h.endSession))
	r.GET("/users/preferences", h.do(h.preferences))
	r.PUT("/users/preferences", h.do(h.setPreferences))
	r.GET("/users/export", h.do(h.export, unstored))
	r.DELETE("/users/me", h.do(h.deleteAccount))
	r.GET("/users/profile", h.mine(h.profile))
	r.PUT("/users/profile", h.do(h.updateProfile))
	r.GET("/users/usage", h.do(h.usage))
	r.GET("/users/keys", h.do(h.keys))
	r.POST("/users/keys", h.do(h.addKey))
	r.DELETE("/users/keys/:key", h.do(h.removeKey))
	r.GET("/users/tokens", h.do(h.apiKeys))
	r.POST("/users/tokens", h.do(h.createAPIKey, secret))
	r.DELETE("/users/tokens/:token", h.do(h.revokeAPIKey))

	// learning
	r.GET("/courses", h.public(h.courses))
	r.GET("/courses/:course", h.public(h.course))
	r.GET("/courses/:course/lessons", h.public(h.lessons))
	r.GET("/courses/:course/lessons/:lesson", h.public(h.lesson))
	r.POST("/courses/:course/lessons/:lesson/quiz", h.do(h.takeQuiz))
	r.GET("/courses/:course/lessons/:lesson/quiz/attempts", h.do(h.quizAttempts))
	r.POST("/courses/:course/enroll", h.do(h.enroll))
	r.DELETE("/courses/:course/enroll", h.do(h.leave))
	r.GET("/users/progress", h.do(h.progress))
	r.POST("/users/progress", h.do(h.recordProgress))
	r.POST("/users/progress/batch", h.do(h.replay))
	r.GET("/users/achievements", h.do(h.achievements))
	r.GET("/users/next", h.do(h.next))
	r.GET("/certificates", h.do(h.certificates))
	r.GET("/certificates/:certificate", h.do(h.certificate))

	// labs
	r.GET("/labs", h.do(h.listLabs))
	r.GET("/labs/sessions", h.do(h.labSessions))
	r.GET("/labs/history", h.do(h.labHistory))
	r.GET("/labs/checkpoints", h.do(h.checkpoints))
	r.DELETE("/labs/checkpoints/:checkpoint", h.do(h.forgetCheckpoint))
	r.GET("/labs/shared", h.do(h.sharedLabs))
	r.GET("/labs/:lab", h.do(h.showLab))
	r.POST("/labs/:lab/start", h.do(h.startLab))
	r.GET("/labs/:lab/status", h.do(h.labStatus))
	r.POST("/labs/:lab/check", h.do(h.checkLab))
	r.POST("/labs/:lab/answer", h.do(h.answerLab))
	r.POST("/labs/:lab/report", h.do(h.reportLab))
	r.POST("/labs/:lab/next", h.do(h.nextLabStep))
	r.POST("/labs/:lab/skip", h.do(h.skipLabStep))
	r.POST("/labs/:lab/hint", h.do(h.labHint))
	r.POST("/labs/:lab/solution", h.do(h.labSolution))
	r.PUT("/labs/:lab/submit", h.do(h.submitLab))
	r.POST("/labs/:lab/stop", h.do(h.stopLab))
	r.POST("/labs/:lab/save", h.do(h.saveLab))
	r.POST("/labs/:lab/reset", h.do(h.resetLab))
	r.POST("/labs/:lab/goto", h.do(h.gotoLabStep))
	r.POST("/labs/:lab/resume", h.do(h.resumeLab))
	r.GET("/labs/:lab/events", h.labEvents)
	r.POST("/labs/:lab/extend", h.do(h.extendLab))
	r.POST("/labs/:lab/certificate", h.do(h.labCertificate, unstored))
	r.GET("/labs/:lab/sharing", h.do(h.labSharing))
	r.PUT("/labs/:lab/sharing", h.do(h.shareLab))
	r.POST("/labs/:lab/watch", h.do(h.watchLab, unstored))
	r.GET("/labs/:lab/recording", h.do(h.labRecording))
	r.PUT("/labs/:lab/recording", h.do(h.recordLab))
	r.GET("/recordings", h.do(h.recordings))
	r.GET("/recordings/:recording", h.do(h.recording, unstored))
	r.DELETE("/recordings/:recording", h.do(h.removeRecording))

	// authoring
	r.GET("/author/courses", h.do(h.authoredCourses))
	r.POST("/author/courses", h.do(h.uploadCourse, upload))
	r.GET("/author/courses/:course", h.do(h.authoredCourse))
	r.PUT("/author/courses/:course/publication", h.do(h.setPublished))
	r.GET("/author/courses/:course/versions", h.do(h.courseEditions))
	r.POST("/author/courses/:course/versions/:version/restore", h.do(h.restoreCourse))
	r.POST("/author/imports", h.do(h.importScenarios, upload))
	r.POST("/author/drafts", h.do(h.uploadDraft, upload))
	r.DELETE("/author/drafts/:draft", h.do(h.removeDraft))
	r.GET("/author/reports", h.do(h.labReports))
	r.DELETE("/author/reports/:report", h.do(h.settleReport))
	r.PUT("/author/labs/:lab/steps/:step/check", h.do(h.markCheck))

	// administration
	r.GET("/admin/users", h.do(h.accounts))
	r.GET("/admin/users/:user", h.do(h.account))
	r.PUT("/admin/users/:user/role", h.do(h.setRole))
	r.POST("/admin/users/:user/suspend", h.do(h.suspend))
	r.POST("/admin/users/:user/unsuspend", h.do(h.unsuspend))
	r.GET("/admin/labs", h.do(h.labsInFlight))
	r.POST("/admin/labs/:session/stop", h.do(h.stopLabInFlight))
	r.GET("/admin/audit", h.do(h.auditLog))
	r.GET("/admin/stats", h.do(h.stats))
}

// handler answers one request, for one user: a body to encode, or an error to
// explain. A nil body is 204. See created and page for other kinds of answer.
type handler func(*gin.Context, app.Actor) (any, error)

// Operations lists what is served, as METHOD /path/{parameter}, below /v1 only:
// for the test that holds the document to it.
func Operations(a *app.App) []string {
	var ops []string
	for _, r := range (api{app: a}).engine().Routes() {
		if strings.HasPrefix(r.Path, "/api/") {
			continue
		}
		ops = append(ops, operation(r.Method, r.Path))
	}
	slices.Sort(ops)
	return ops
}

var parameter = regexp.MustCompile(`:(\w+)`)
