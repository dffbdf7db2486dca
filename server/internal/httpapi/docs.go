package httpapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed" // for the page
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui/v5/static"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/server/internal/app"
)

// docsPolicy is for the page about the API alone: what runs there and how it
// looks comes from this server, and it asks nobody else. Its pictures are in its
// style sheet.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed pages/docs.html
var docsSource string

//go:embed pages/docs.js
var docsScript []byte

//go:embed pages/docs.css
var docsStyle []byte

// An asset is a part of the page: it never changes under its address.
type asset struct {
	contentType string
	body        []byte
	packed      *packed
}

func (a asset) answer() answer {
	return answer{Status: http.StatusOK, ContentType: a.contentType, Body: a.body, packed: a.packed}
}

// docsAssets are read once they are asked for. Swagger UI comes packed.
var docsAssets = sync.OnceValues(func() (map[string]asset, error) {
	all := map[string]asset{}
	add := func(name, contentType string, body []byte) { all[name] = asset{contentType, body, pack(body, forGood)} }
	for name, contentType := range map[string]string{"swagger-ui.css": "text/css; charset=utf-8", "swagger-ui-bundle.js": "text/javascript; charset=utf-8"} {
		small, err := static.FS.Open(name + ".gz")
		if err != nil {
			return nil, err
		}
		z, err := gzip.NewReader(small)
		if err != nil {
			return nil, err
		}
		whole, err := io.ReadAll(z)
		if err != nil {
			return nil, fmt.Errorf("unpack %s: %w", name, err)
		}
		add(name, contentType, whole)
	}
	add("docs.js", "text/javascript; charset=utf-8", docsScript)
	add("docs.css", "text/css; charset=utf-8", docsStyle)
	return all, nil
})

// docsHTML names each asset with what it holds, so that browsers may keep it.
var docsHTML = sync.OnceValues(func() ([]byte, error) {
	assets, err := docsAssets()
	if err != nil {
		return nil, err
	}
	page := []byte(docsSource)
	for name, a := range assets {
		sum := sha256.Sum256(a.body)
		page = bytes.ReplaceAll(page, []byte(`"docs/`+name+`"`), []byte(`"docs/`+name+"?v="+hex.EncodeToString(sum[:6])+`"`))
	}
	return page, nil
})

// GET /v1/docs
func (api) docsPage(c *gin.Context, _ app.Actor) (any, error) {
	page, err := docsHTML()
	c.Header("Content-Security-Policy", docsPolicy)
	c.Header("Cross-Origin-Opener-Policy", "same-origin")
	return document{"text/html; charset=utf-8", page}, err
}

// GET /v1/docs/{asset}
func (api) docsAsset(c *gin.Context, _ app.Actor) (any, error) {
	assets, err := docsAssets()
	if err != nil {
		return nil, err
	}
	a, ok := assets[c.Param("asset")]
	if !ok {
		return nil, hub.Errorf(hub.NotFound, "There is nothing at this address.")
	}
	return a, nil
}
