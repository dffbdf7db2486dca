package httpapi

import (
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/cloudmastershub/cmh/client/hub"
)

// paging reads which page of a list is asked for.
func paging(c *gin.Context) (hub.Paging, error) {
	p := hub.Paging{Cursor: c.Query("cursor")}
	s, ok := c.GetQuery("limit")
	if !ok {
		return p, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 100 {
		return p, wrong("/limit", "The limit is a number from 1 to 100.")
	}
	p.Limit = n
	return p, nil
}

// flag reads a query parameter that is true or false; absent is false.
func flag(c *gin.Context, name string) (bool, error) {
	switch c.Query(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, wrong("/"+name, "This is true or false.")
}
