package postgres

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

func TestAway(t *testing.T) {
	t.Parallel()
	listens := func(do func(net.Conn)) (address string, ln net.Listener) {
		t.Helper()
		ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				do(c)
			}
		}()
		return ln.Addr().String(), ln
	}
	connect := func(ctx context.Context, address string) error {
		t.Helper()
		c, err := pgx.Connect(ctx, "postgres://nobody@"+address+"/none?sslmode=disable")
		if err == nil {
			_ = c.Close(ctx)
			t.Error("nothing is connected with")
		}
		return err
	}
	refused, ln := listens(func(net.Conn) {})
	_ = ln.Close()
	hangsUp, _ := listens(func(c net.Conn) { _ = c.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	silent, _ := listens(func(net.Conn) { cancel() }) // accepted, and never answered
	tiny, _ := listens(func(c net.Conn) {
		b := pgproto3.NewBackend(c, c)
		if _, err := b.ReceiveStartupMessage(); err == nil {
			b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "5"})
			_ = b.Flush()
		}
		_ = c.Close()
	})
	short := func(of syscall.Errno) error {
		t.Helper()
		c, err := pgx.ParseConfig("postgres://nobody@" + refused + "/none?sslmode=disable")
		if err != nil {
			t.Fatal(err)
		}
		c.DialFunc = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", of)}
		}
		_, err = pgx.ConnectConfig(t.Context(), c)
		return err
	}
	says := func(code string) error { return &pgconn.PgError{Code: code} }
	for _, tt := range []struct {
		how  string
		err  error
		away bool
	}{
		{"nobody listens", connect(t.Context(), refused), true},
		{"it hangs up", connect(t.Context(), hangsUp), true},
		{"it breaks", io.ErrUnexpectedEOF, true},
		{"it stops", says("57P01"), true},
		{"it has crashed", says("57P02"), true},
		{"it starts", says("57P03"), true},
		{"it lets us in no more", connect(t.Context(), tiny), true},
		{"we may open no more", short(syscall.EMFILE), false},
		{"this machine may open no more", short(syscall.ENFILE), false},
		{"our memory is short", short(syscall.ENOMEM), false},
		{"it says nothing", connect(ctx, silent), false},
		{"it takes too long", context.DeadlineExceeded, false},
		{"the statement took too long", says("57014"), false},
		{"too many connections", says("53300"), false},
		{"a fault", says("XX000"), false},
		{"no fault", nil, false},
	} {
		for _, err := range []error{tt.err, classify("database", tt.err), fmt.Errorf("ask: %w", tt.err)} {
			if err != nil && Away(err) != tt.away {
				t.Errorf("%s (%v): away is %v", tt.how, err, !tt.away)
			}
		}
	}
	if Away(nil) {
		t.Error("nothing is away")
	}
}
