package httpapi

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// onceOnly answers a request, and a POST that repeats an Idempotency-Key with
// the answer of the first one. Answers that a repeat could better are not kept:
// errors of ours, limits, and signing in. Of an answer with a secret only is kept
// that there was one.
func (h api) onceOnly(c *gin.Context, f handler, as app.Actor, m manner) answer {
	key, given := c.GetHeader("Idempotency-Key"), len(c.Request.Header["Idempotency-Key"]) > 0
	if !given || c.Request.Method != http.MethodPost || as.User().ID == "" || m >= unstored {
		return h.ask(c, f, as)
	}
	if key == "" || len(key) > 128 || !clean(key) {
		return h.problem(c, hub.Errorf(hub.Invalid, "An Idempotency-Key has 1 to 128 printable characters."))
	}
	request := sha256.New()
	fmt.Fprintf(request, "%s\n%s\n%s\n", c.Request.Method, c.Request.URL.Path, c.Request.URL.RawQuery)
	read := readInto
	if m == upload {
		off, err := h.uploads.begin(c, as)
		if err != nil {
			return h.problem(c, err)
		}
		defer off()
		read = spool
	}
	done, err := read(c, request)
	if err != nil {
		return h.problem(c, err)
	}
	defer done()

	ctx := c.Request.Context()
	stored, err := as.FirstTime(ctx, key, request.Sum(nil))
	if err != nil {
		return h.problem(c, err)
	}
	if stored != nil {
		var a answer
		if err := json.Unmarshal(stored, &a); err != nil {
			return h.problem(c, fmt.Errorf("read a kept answer: %w", err))
		}
		c.Header("Idempotency-Replayed", "true")
		return a
	}
	// Whatever happens, a panic included, the key must not stay taken.
	var keep []byte
	status := 0
	defer func() {
		if err := as.Answered(ctx, key, status, keep); err != nil {
			h.log.ErrorContext(ctx, "keep an answer", "request_id", requestID(c), "err", err)
		}
	}()
	a := h.ask(c, f, as)
	if m == secret && a.Status < 300 {
		told := h.problem(c, errToldOnce)
		keep, _ = json.Marshal(told) // strings and bytes
		status = told.Status
		return a
	}
	if !a.passing && a.Status < 500 && a.Status != http.StatusTooManyRequests && a.Status != http.StatusUnauthorized {
		keep, _ = json.Marshal(a) // strings and bytes
		status = a.Status
	}
	return a
}

// readInto hashes a body that fits in memory.
func readInto(c *gin.Context, sum hash.Hash) (done func(), err error) {
	body, err := readBody(c, maxBody)
	sum.Write(body)
	return func() {}, err
}

// spool hashes a body that does not, and puts it aside in a file without a name
// until it is read: whether this is a repetition is known when all of it has
// come.
func spool(c *gin.Context, sum hash.Hash) (done func(), err error) {
	defer patient(c)()
	f, err := os.CreateTemp("", "cmh-upload-")
	if err != nil {
		return nil, hub.Wrap(err, hub.Unavailable, "The server has no room for the archive right now.")
	}
	_ = os.Remove(f.Name())
	if _, err = io.Copy(io.MultiWriter(f, sum), http.MaxBytesReader(c.Writer, c.Request.Body, maxArchive)); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, notArrived(err)
	}
	c.Request.Body = f
	return func() { _ = f.Close() }, nil
}

var errToldOnce = hub.Errorf(hub.Conflict, "This was done when it was first asked for. The answer held a secret, which is told once.")
