// Command ginpgx is a floor: the least that a Gin server with a database can do.
// It answers with the row that the first argument's statement finds for the id
// in the address; CMH_FLOOR_DATABASE says where.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := pgxpool.ParseConfig(os.Getenv("CMH_FLOOR_DATABASE"))
	if err != nil {
		return err
	}
	cfg.MaxConns = 20
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.GET("/rows/:id", func(c *gin.Context) {
		rows, err := pool.Query(c.Request.Context(), os.Args[1], c.Param("id"))
		if err != nil {
			c.Status(http.StatusInternalServerError)
			return
		}
		found, err := pgx.CollectRows(rows, pgx.RowToMap)
		if err != nil {
			c.Status(http.StatusInternalServerError)
			return
		}
		c.JSON(http.StatusOK, found)
	})
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, r) //nolint:gosec // a floor on loopback, ended by who started it
}
