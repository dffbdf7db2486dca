// Command ginhello is a floor: the least that a Gin server can do.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.GET("/hello", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"message": "Hello, world"}) })
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err == nil {
		fmt.Println(l.Addr())
		err = http.Serve(l, r) //nolint:gosec // a floor on loopback, ended by who started it
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
