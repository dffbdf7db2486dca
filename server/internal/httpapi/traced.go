package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/cloudmastershub/cmh/server/internal/tracing"
)

// Traced makes a span of every request; t may be nil.
func Traced(t *tracing.Tracer) Option { return func(o *options) { o.tracer = t } }

// traced goes around everything else. A caller's traceparent is gone on with: it
// decides nothing but where the span is shown.
func (h api) traced(c *gin.Context) {
	route := c.FullPath()
	name := c.Request.Method + " " + route
	if route == "" {
		name = "none" // an address that doesn't exist is anybody's word
	}
	ctx := tracing.W3C.Extract(c.Request.Context(), propagation.HeaderCarrier(c.Request.Header))
	ctx, span := h.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("http.route", route)))
	defer func() {
		status := c.Writer.Status()
		span.SetAttributes(attribute.Int("http.response.status_code", status), attribute.String("cmh.request_id", requestID(c)))
		if route != "" {
			span.SetAttributes(attribute.String("http.request.method", c.Request.Method))
		}
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}
