package httpapi

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

const (
	maxArchive = 64 << 20
	// archiveTime is how long an archive may take to arrive, for whoever is
	// slower than a body of JSON needs to be.
	archiveTime = 10 * time.Minute
	// archiveAnswerTime is how long after that its answer may take.
	archiveAnswerTime = 3 * time.Minute
)

// POST /v1/author/imports
func (h api) importScenarios(c *gin.Context, as app.Actor) (any, error) {
	if err := contentType(c, "application/gzip"); err != nil {
		return nil, err
	}
	dry, err := flag(c, "dry_run")
	if err != nil {
		return nil, err
	}
	if err := named(c, "kind"); err != nil {
		return nil, err
	}
	o := hub.ImportOptions{Kind: c.Query("kind"), Slug: c.Query("slug"), Title: c.Query("title"), DryRun: dry}
	if len(o.Title) > 200 {
		return nil, wrong("/title", "A title has at most 200 characters.")
	}
	return h.archived(c, as, func(archive io.Reader) (any, error) { return as.ImportScenarios(c.Request.Context(), o, archive) })
}

// archived takes in an archive from an author, and answers with what do makes
// of it.
func (h api) archived(c *gin.Context, as app.Actor, do func(io.Reader) (any, error)) (any, error) {
	if err := as.MayAuthor(); err != nil {
		return nil, err // before a stranger may take ten minutes
	}
	off, err := h.uploads.begin(c, as)
	if err != nil {
		return nil, err
	}
	defer off()
	defer patient(c)()
	body, err := do(http.MaxBytesReader(c.Writer, c.Request.Body, maxArchive))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, notArrived(err)
	}
	if err != nil {
		return nil, err
	}
	return body, nil
}

// patient gives an archive its time to arrive, until it is called off, and its
// answer time after that: the server's own runs from the head of the request.
func patient(c *gin.Context) (off func()) {
	ctl := http.NewResponseController(c.Writer)
	_ = ctl.SetReadDeadline(time.Now().Add(archiveTime))
	_ = ctl.SetWriteDeadline(time.Now().Add(archiveTime + archiveAnswerTime))
	return func() { _ = ctl.SetReadDeadline(time.Time{}) }
}

// notArrived says why an archive did not come whole.
func notArrived(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refined{hub.Errorf(hub.Invalid, "The archive is larger than %d MiB.", maxArchive>>20), http.StatusRequestEntityTooLarge}
	}
	return hub.Wrap(err, hub.Invalid, "The archive did not arrive whole.")
}

// POST /v1/author/drafts
func (h api) uploadDraft(c *gin.Context, as app.Actor) (any, error) {
	if err := contentType(c, "application/gzip"); err != nil {
		return nil, err
	}
	return h.archived(c, as, func(archive io.Reader) (any, error) {
		d, err := as.UploadDraft(c.Request.Context(), archive)
		return created{d}, err
	})
}

// DELETE /v1/author/drafts/{draft}
func (api) removeDraft(c *gin.Context, as app.Actor) (any, error) {
	return nil, as.RemoveDraft(c.Request.Context(), c.Param("draft"))
}
