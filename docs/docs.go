// Package docs holds the documents that the server also serves. What they mean
// is enforced elsewhere: the API tests hold every request and every answer to
// the OpenAPI document.
package docs

import (
	_ "embed"
	"sync"

	"github.com/goccy/go-yaml"
)

// OpenAPI is openapi.yaml, the contract of the API.
//
//go:embed openapi.yaml
var OpenAPI []byte

// OpenAPIJSON is the same as JSON, in the same order.
var OpenAPIJSON = sync.OnceValues(func() ([]byte, error) { return yaml.YAMLToJSON(OpenAPI) })
