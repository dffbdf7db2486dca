// Command generate writes the SDKs: generate [DIR].
package main

import (
	"fmt"
	"os"

	"github.com/cloudmastershub/cmh/docs"
	"github.com/cloudmastershub/cmh/sdk"
)

func main() {
	dir := "sdk"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := sdk.Write(dir, docs.OpenAPI); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
