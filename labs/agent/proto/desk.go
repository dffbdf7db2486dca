package proto

// Inside a sandbox the learner has a command, LabName. What it asks is answered
// by the host: the agent only carries one Ask out and one Reply in, over a
// channel of the connection that the host keeps to it.
const (
	// LabName is the command, and the name by which the agent's binary is it.
	LabName = "lab"

	// LabPath is where the command lies, unless the image has one of its own.
	LabPath = "/usr/local/bin/" + LabName

	// DeskLine is the type of a channel that the host opens and keeps open: as
	// long as it is, asks go out over its SSH connection. A later one takes the
	// place of an earlier one.
	DeskLine = "cmh-desk-line"

	// DeskCall is the type of a channel that the agent opens for each ask, which
	// is its extra data. A Reply comes back on it, and its end.
	DeskCall = "cmh-desk-call"

	// DeskSocket is where the agent takes asks, from anybody inside.
	DeskSocket = "/run/lab.sock"

	MaxAsk   = 4 << 10   // bytes of an Ask, as JSON
	MaxReply = 512 << 10 // bytes of a Reply, as JSON
)

// Ask is what somebody typed after LabName, and how their terminal shows the
// answer. All of it is the word of a program inside.
type Ask struct {
	Args    []string `json:"args"`
	Columns int      `json:"columns,omitempty"` // of the terminal that reads it; 0: none does
	Colour  bool     `json:"colour,omitempty"`

	Language string `json:"language,omitempty"` // a locale, such as de_DE.UTF-8
}

// Reply is what to print and to exit with.
type Reply struct {
	Status int    `json:"status"`
	Out    string `json:"out,omitempty"`
	Err    string `json:"err,omitempty"`
}

// Later is the exit status of what may be tried again.
const Later = 75
