// Command cobrahello is a floor: the least that a Cobra command can do.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	cmd := &cobra.Command{Use: "hello", Version: "1", Run: func(*cobra.Command, []string) { fmt.Println("Hello") }}
	if cmd.Execute() != nil {
		os.Exit(1)
	}
}
