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
	switch v, ok := c.GetQuery(name); {
	case !ok, v == "false":
		return false, nil
	case v == "true":
		return true, nil
	}
	return false, wrong("/"+name, "This is true or false.")
}

// named refuses parameters that are there and empty, where each has a list of
// what it may be.
func named(c *gin.Context, names ...string) error {
	for _, name := range names {
		if v, ok := c.GetQuery(name); ok && v == "" {
			return wrong("/"+name, "This must not be empty.")
		}
	}
	return nil
}
