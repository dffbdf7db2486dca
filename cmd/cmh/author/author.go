// Package author is `cmh author ...`: what those who make courses do. It packs
// what lies on the author's own machine; reading and judging it is the hub's
// part.
package author

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Importer is the part of the hub that the commands need besides a
// cli.Backend: only a learner's own machine has files to send.
type Importer interface {
	ImportScenarios(ctx context.Context, o hub.ImportOptions, archive io.Reader) (hub.ImportReport, error)
}

// Command returns the author command. More are commands that need what this
// package must not know, such as the lab engine.
func Command(env *cli.Env, more ...*cobra.Command) *cobra.Command {
	return cli.Group("author", "Write courses and labs, and bring them to the hub",
		append(append(courseCommands(env), cli.Group("import", "Import labs from elsewhere", killercodaCmd(env)), reportsCmd(env), brokenCmd(env)), more...)...)
}
