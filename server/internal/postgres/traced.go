package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Traced makes a span of every statement that belongs to a trace, with its text
// and without its values. A nil tracer makes none.
func Traced(t trace.Tracer) Option {
	return func(c *pgxpool.Config) {
		if t != nil {
			c.ConnConfig.Tracer = statements{t}
		}
	}
}

type statements struct{ trace.Tracer }

// TraceQueryStart begins the span.
func (s statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx // the server's own housekeeping
	}
	ctx, _ = s.Start(ctx, "postgres", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("db.system.name", "postgresql"), attribute.String("db.query.text", q.SQL)))
	return context.WithValue(ctx, ours{}, true)
}

type ours struct{}

// TraceQueryEnd ends it. An error's text may hold values, so it stays out.
func (s statements) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryEndData) {
	if ctx.Value(ours{}) == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	if q.Err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
