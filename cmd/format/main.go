// Command cmh-format does what --jq and --template ask for, and draws lessons:
// cmh starts it, and it stands beside cmh. It is a program of its own so that not
// every command starts with a query language and a Markdown parser in it
// (docs/adr/0047-formats-beside-cmh.md and 0054-markdown-beside-cmh.md).
//
// It reads JSON values and writes what the expression makes of them:
//
//	cmh-format jq EXPR <json
//	cmh-format template TEMPLATE <json
//
// or draws what package apart asks for:
//
//	cmh-format markdown
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli/pipe"
	"github.com/cloudmastershub/cmh/cmd/format/filter"
	"github.com/cloudmastershub/cmh/tui/markdown/apart"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "markdown" {
		if err := apart.Serve(os.Stdin, os.Stdout, draw.Outline); err != nil {
			os.Exit(1) // nobody listens any more
		}
		return
	}
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: cmh-format jq|template EXPRESSION <JSON, or cmh-format markdown")
		os.Exit(2)
	}
	in := bufio.NewReader(os.Stdin)
	switch err := filter.Run(filter.Kind(os.Args[1]), os.Args[2], in, os.Stdout); {
	case err == nil:
	case pipe.Left(err):
		os.Exit(1) // nobody reads on; nobody wants to hear why
	case hub.CodeOf(err) != hub.Invalid: // what it made can't be written
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
