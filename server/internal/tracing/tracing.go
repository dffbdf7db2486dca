// Package tracing sends traces to an OpenTelemetry collector, where the
// environment names one. What is worth a span, its callers know; nothing that
// people say is in one: routes, not addresses, and statements without their
// values.
package tracing

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/cloudmastershub/cmh/client"
)

// Tracer begins spans. A nil one is for nobody: its callers don't begin any.
type Tracer struct {
	trace.Tracer
	provider *sdk.TracerProvider
}

// Open follows the variables that OpenTelemetry has for everybody: it is nil
// unless OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT says
// where to, and OTEL_SDK_DISABLED turns it off. Traces go by HTTP, in the
// background: a collector that is away costs spans and no time.
func Open(ctx context.Context) (*Tracer, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" || os.Getenv("OTEL_SDK_DISABLED") == "true" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	what, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "cmh-server"), attribute.String("service.version", client.Version)),
		resource.WithFromEnv(), // which may call it otherwise
	)
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, err
	}
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(what)) // sampled as OTEL_TRACES_SAMPLER says
	return &Tracer{p.Tracer("github.com/cloudmastershub/cmh"), p}, nil
}

// Close sends what there is still.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// W3C reads and writes traceparent.
var W3C = propagation.TraceContext{}

// Logged is a handler whose lines say which trace they belong to.
func Logged(h slog.Handler) slog.Handler { return logged{h} }

type logged struct{ slog.Handler }

// Handle adds the trace to one line.
func (l logged) Handle(ctx context.Context, r slog.Record) error {
	if s := trace.SpanContextFromContext(ctx); s.IsValid() {
		r.AddAttrs(slog.String("trace_id", s.TraceID().String()), slog.String("span_id", s.SpanID().String()))
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs keeps adding it.
func (l logged) WithAttrs(a []slog.Attr) slog.Handler { return logged{l.Handler.WithAttrs(a)} }

// WithGroup keeps adding it.
func (l logged) WithGroup(name string) slog.Handler { return logged{l.Handler.WithGroup(name)} }
