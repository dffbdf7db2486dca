package server

import (
	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/auth"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/root"
	"github.com/cloudmastershub/cmh/server/internal/access"
)

// How the table of access calls what is done over SSH: as one types it. The
// doors of labs are gateway.Doors.
const (
	theScreens  = "ssh HOST"
	theCommands = "ssh HOST " // and the words of the command
)

// maySSH asks the table whether a role may do something over SSH. What has no
// row is open to nobody. A row says who may come that far; what is whose, the
// rules behind it say once more.
func maySSH(role hub.Role, name string) error {
	op, _ := access.Of(name)
	if op.Cell(role) == access.Hidden {
		return hub.Errorf(hub.NotFound, "There is nothing at this address.")
	}
	return op.Check(role, nil)
}

// commands is the tree of cmh that is served over SSH to somebody of that role. Join
// is for guests.
func commands(env *cli.Env, local *root.Local, role hub.Role, join auth.Join) *cobra.Command {
	env.May = func(words string) error { return maySSH(role, theCommands+words) }
	tree := root.New(env, local)
	root.Add(tree, root.Account, cli.Group("auth", "Look after your sign-ins", append(auth.Shared(env), auth.JoinCommand(env, join))...))
	return tree
}
