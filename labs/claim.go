package labs

import (
	"context"
	"errors"
	"strings"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// ErrUnfit is Claim's answer where a sandbox can't get another name.
var ErrUnfit = errors.New("labs: the sandbox can't be claimed")

// A Claimer is a Driver whose sandboxes can be made before anybody asks for
// them. drivertest.Run holds every Claimer to this comment.
type Claimer interface {
	Driver

	// Claim gives the living sandbox waiting the name id, for good and at once:
	// from then on there is one called id and none called waiting, for every
	// process and every method. While it exists its old name may stay taken. Of several claims of one sandbox one succeeds.
	// It returns ErrNotFound when waiting is gone or dead, and any error when
	// there is something called id; both are then as they were.
	Claim(ctx context.Context, waiting, id string) error
}

// waitingMark begins the ids of sandboxes that nobody has asked for yet.
const waitingMark = "w-"

// WaitingID is the id of a sandbox that waits to be claimed.
func WaitingID(name string) string { return waitingMark + name }

// Waits reports whether id is that of a sandbox that waits to be claimed.
func Waits(id string) bool { return strings.HasPrefix(id, waitingMark) }

// Become makes the sandbox, which nobody has used, what a Spec with that host
// name and that environment would have made of it.
func (s *Sandbox) Become(ctx context.Context, hostname string, env map[string]string) error {
	_, err := s.ask(ctx, proto.Request{Method: proto.Become, Self: &proto.Self{Hostname: hostname, Env: env}}, nil)
	return err
}

// Prepare lets a login shell wait in the sandbox, which nobody has used, for its
// learner's first terminal. It is given up where that could make a difference.
func (s *Sandbox) Prepare(ctx context.Context) error {
	_, err := s.ask(ctx, proto.Request{Method: proto.Prepare}, nil)
	return err
}
