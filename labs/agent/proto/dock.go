package proto

// How a driver hands process 1 its descriptors when an engine made the sandbox
// (labs/driver/docker). The engine starts the agent's binary as DockName, with
// the folder DockDir bound from the host, read-only. There it connects to
// DockSocket, where the driver waits, and gets a Dock as one packet with three
// descriptors: the agent's listening socket, a Boot file and the log; the files
// of Boot.Cgroups follow. Then it is the agent, as boot.go says, and the socket
// is gone: no learner's process ever finds it.
const (
	DockDir    = "/.lab/dock"
	DockSocket = "/.lab/dock/host"
	DockBinary = "/.lab/" + DockName
)

// Dock is what the driver says at the dock.
type Dock struct {
	Env []string `json:"env"` // of the agent, and so of learners' shells

	// Files are written before anything else runs: what a learner had made of
	// those that an engine mounts, in a sandbox that goes on with somebody's work.
	Files map[string][]byte `json:"files,omitempty"`
}
