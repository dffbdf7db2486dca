// Package proto is what the agent inside a sandbox and the host say to each
// other. It is a leaf: wire types only.
//
// The connection is SSH. Whoever can open it owns the sandbox (the socket lies
// outside the learner's file tree), so the agent asks for no authentication.
// Ordinary SSH requests serve the learner: a shell on a PTY, exec, the sftp
// subsystem, direct-tcpip to the sandbox's own ports. The platform's own
// requests go through the Subsystem: one channel per request, a Request as one
// line of JSON, then its Payload bytes if any, then the answer as one Response
// in a line of JSON.
package proto

// Version counts breaking changes of this protocol. An agent keeps running
// through upgrades of its host, so the host reads it from Hello first.
const Version = 1

// Subsystem is the SSH subsystem of the platform's own requests. A gateway
// never lets a learner ask for it.
const Subsystem = "cmh-control"

// SessionEnv is sent as an SSH "env" request before "shell" and names the terminal
// to attach to. A named terminal outlives its connection, and a later shell
// request with the same name gets its screen back. Without it the agent
// attaches to the first terminal that nobody else is attached to, making one
// when there is none.
const SessionEnv = "CMH_SESSION"

// LanguageEnv is sent like SessionEnv: the language, such as "de", that the learner's
// cmh speaks. The lab speaks it, too. No shell sees it.
const LanguageEnv = "CMH_LANGUAGE"

// Sent like SessionEnv, by the gateway alone: it passes on neither from a client.
const (
	// WatchEnv makes the session one that only looks on at a terminal that is
	// there: the named one, or the one that printed last. Its value is who it
	// is, as the learner is told.
	WatchEnv = "CMH_WATCH"
	// NoticeEnv is a line for whoever is at the terminal, shown when it can be.
	NoticeEnv = "CMH_NOTICE"
)

// Methods of Request.
const (
	Hello  = "hello"  // answer: HelloInfo
	Push   = "push"   // payload: a tar archive, unpacked at / as root
	Start  = "start"  // params: Script; runs it in the background, answers at once
	Status = "status" // answer: []ScriptStatus, of every Script started
	Check  = "check"  // params: Script; runs it to its end; answer: CheckReport
	Type   = "type"   // params: Typing; types into a terminal, making it when there is none
	Login  = "login"  // params: Learner; for what is started from now on
	Expire = "expire" // params: Expiry; replaces the one before
	Become = "become" // params: Self; before anybody has used the sandbox

	// Prepare starts a login shell that waits for the first terminal, which gets
	// it if nothing else was started in the sandbox by then.
	Prepare = "prepare"
)

// Request is one question to the agent.
type Request struct {
	Method  string   `json:"method"`
	Script  *Script  `json:"script,omitempty"`
	Typing  *Typing  `json:"typing,omitempty"`
	Learner *Learner `json:"learner,omitempty"`
	Expiry  *Expiry  `json:"expiry,omitempty"`
	Relied  []Relied `json:"relied,omitempty"`
	Self    *Self    `json:"self,omitempty"`
	Payload int64    `json:"payload,omitempty"` // bytes that follow the line
}

// Response answers a Request. Error is empty on success, and is for the log.
type Response struct {
	Error   string         `json:"error,omitempty"`
	Hello   *HelloInfo     `json:"hello,omitempty"`
	Scripts []ScriptStatus `json:"scripts,omitempty"`
	Check   *CheckReport   `json:"check,omitempty"`
}

// HelloInfo says who answers.
type HelloInfo struct {
	Version   int      `json:"version"`
	Terminals []string `json:"terminals"` // names of those that live
	Attached  int      `json:"attached"`  // connections attached to any of them
	IdleMS    int64    `json:"idle_ms"`   // since the last sign of life; 0 while somebody is attached
	// Sourcing is how many scripts the terminals' shells are to source, or
	// are sourcing. One that execs a shell counts while that shell lives.
	Sourcing int `json:"sourcing,omitempty"`
}

// Script is a program the agent runs as root, outside the learner's shell,
// from a file, in a clean environment. Its interpreter is the one its first
// line names, else bash; carriage returns before line ends are dropped.
type Script struct {
	Name    string            `json:"name"` // [a-z0-9-]+, unique among started scripts; names the log
	Source  []byte            `json:"source"`
	Args    []string          `json:"args,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
	Timeout int               `json:"timeout,omitempty"` // seconds; 0 means 60 for Check, 900 for Start
	// Relies is for Check: the files that must be what they should be before,
	// while and after it runs.
	Relies []Relied `json:"relies,omitempty"`
}

// ScriptStatus is how a started script is doing.
type ScriptStatus struct {
	Name    string `json:"name"`
	Running bool   `json:"running"`
	Exit    int    `json:"exit"` // 128+n for a signal
}

// CheckReport is what a check did. Whether it passed is for the host to
// decide. Stdout and Stderr are cut at 64 KiB each.
type CheckReport struct {
	Exit     int    `json:"exit"`
	Signaled bool   `json:"signaled,omitempty"`  // killed, Exit means nothing
	TimedOut bool   `json:"timed_out,omitempty"` // killed for time
	NotRun   string `json:"not_run,omitempty"`   // why it could not be started
	Stdout   []byte `json:"stdout"`
	Stderr   []byte `json:"stderr"`
	Reason   string `json:"reason,omitempty"` // what it left in $VERIFICATION_FAILURE_REASON

	// Changed says which file or limit that the check relies on is not what it
	// should be. What else the report says is then worth nothing.
	Changed string `json:"changed,omitempty"`
	// Killed says that a shell told of a command of the check that was killed.
	Killed bool `json:"killed,omitempty"`
}

// Typing is input for a learner's terminal.
type Typing struct {
	Terminal string `json:"terminal"` // name; empty means "main"
	// Source, when set, is a script that the terminal's shell sources, so
	// that its cd, export and alias stay. Bytes are typed as they are.
	Source []byte `json:"source,omitempty"`
	Bytes  []byte `json:"bytes,omitempty"`
}

// Learner is who the learner's shells and commands run as, and where they
// begin. Scripts and checks stay root's whatever it says.
type Learner struct {
	UID int    `json:"uid,omitempty"`
	GID int    `json:"gid,omitempty"` // 0 is the user's own
	Dir string `json:"dir,omitempty"` // empty, or none: the user's home
	// Env comes before what the account says, HOME for one.
	Env map[string]string `json:"env,omitempty"`
}

// ErrChecking is the Error of a Check while another one runs.
const ErrChecking = "a check is already running"
