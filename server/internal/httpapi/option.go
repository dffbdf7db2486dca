package httpapi

import (
	"github.com/cloudmastershub/cmh/server/internal/metrics"
	"github.com/cloudmastershub/cmh/server/internal/tracing"
)

// An Option is something that an API needs not have.
type Option func(*options)

type options struct {
	metrics *metrics.Metrics
	origins []string
	tracer  *tracing.Tracer
}

// Metered counts every answer.
func Metered(m *metrics.Metrics) Option { return func(o *options) { o.metrics = m } }
