package gateway

import "errors"

// A Door is one way in, written as a learner writes it. Whoever says who may
// go through it calls it by that.
type Door string

// The doors. A session or a lab stands for SESSION, one of its hosts for NODE.
const (
	Shell   Door = "ssh SESSION@HOST"
	Command Door = "ssh SESSION@HOST COMMAND" // scp of old among them
	Files   Door = "sftp SESSION@HOST"        // and scp
	Port    Door = "ssh -L PORT:NODE:PORT SESSION@HOST"
	Node    Door = "ssh SESSION+NODE@HOST" // on the way to any of the others
	LookOn  Door = "ssh watch-SESSION@HOST"
)

// Doors are all of them.
var Doors = []Door{Shell, Command, Files, Port, Node, LookOn}

// A Place is where somebody may go. Its zero value is closed.
type Place struct {
	Sandbox string
	Opens   func(Door) error // nil opens no door
}

var errShut = errors.New("gateway: this door is open for nobody")

// opens asks for a door, and for the one that leads to a host before it where
// name takes that way.
func (p Place) opens(door Door, byNode bool) error {
	if p.Opens == nil {
		return errShut
	}
	if byNode {
		if err := p.Opens(Node); err != nil {
			return err
		}
	}
	return p.Opens(door)
}

// doorOf is the door that a request of a session goes through.
func doorOf(request string) Door {
	switch request {
	case "shell":
		return Shell
	case "subsystem":
		return Files
	}
	return Command
}
