package proto

// A sandbox has no way out. What a lab may reach is decided and dialled on the
// host; the agent only hands connections over, on channels of the connection
// that the host keeps to it.
const (
	// EgressLine is the type of a channel that the host opens and keeps open:
	// as long as it is, connections go out over its SSH connection. A later one
	// takes the place of an earlier one.
	EgressLine = "cmh-egress-line"

	// EgressCall is the type of a channel that the agent opens for each
	// connection to EgressAddr. What goes over it is an HTTP proxy's.
	EgressCall = "cmh-egress-call"

	// EgressAddr is where the agent listens once there was a line.
	EgressAddr = "127.0.0.1:3128"
)
