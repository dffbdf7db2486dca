// Command formtest is a process of package forming and nothing else: its tests start
// it.
package main

import (
	"os"

	"github.com/cloudmastershub/cmh/server/internal/forming"
)

func main() { os.Exit(forming.Serve(os.Stdin, os.Stdout, os.Stderr)) }
