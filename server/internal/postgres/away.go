package postgres

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// Away says whether err, however it is wrapped, is a database's that is not there:
// nobody listens, the connection broke, or PostgreSQL says that it starts or stops.
// One that takes too long, or has too many who ask, may be only busy.
func Away(err error) bool {
	var (
		pg      *pgconn.PgError
		conn    *pgconn.ConnectError
		network net.Error
	)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err),
		errors.As(err, &network) && network.Timeout():
		return false
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOMEM):
		return false // we are short of something, not it
	case errors.As(err, &pg):
		return pg.Code == "57P01" || pg.Code == "57P02" || pg.Code == "57P03" ||
			errors.As(err, &conn) && !strings.HasPrefix(pg.Code, "53") // it lets us in no more: a wrong password, no such database
	}
	return errors.As(err, &conn) || lost(err)
}
