package hub

import "time"

// Lab is a hands-on exercise in a sandbox. Its ID is a slug, unique on the
// whole platform.
type Lab struct {
	ID            string    `json:"id"`
	Course        string    `json:"course,omitempty"` // slug
	Title         string    `json:"title"`
	Description   string    `json:"description"`
	Difficulty    string    `json:"difficulty,omitempty"` // beginner, intermediate, advanced, or the author's word
	EstimatedTime int       `json:"estimated_time"`       // minutes; 0 is unknown
	Instructions  string    `json:"instructions,omitempty"`
	Image         string    `json:"image"`
	Needs         []string  `json:"needs"`              // what it needs: linux, network, docker, kubernetes, ...
	Runnable      bool      `json:"runnable"`           // this installation can give what it needs
	Reason        string    `json:"reason,omitempty"`   // why it is not runnable
	Steps         []LabStep `json:"steps"`              // texts only in a single lab's answer
	Finish        string    `json:"finish,omitempty"`   // Markdown of the last page
	Hosts         []string  `json:"hosts,omitempty"`    // names of its machines, in their order, when it is several
	Warnings      []string  `json:"warnings,omitempty"` // found at import; for its author
	Licence       string    `json:"licence,omitempty"`
	Free          bool      `json:"free"`
	UpdatedAt     time.Time `json:"updated_at"`

	// Folder is where files whose names in the texts are relative lie; empty is the
	// learner's home.
	Folder string `json:"folder,omitempty"`
	// Ports are those on which its texts expect something.
	Ports []LabPort `json:"ports,omitempty"`

	// Terminals are those besides the first that its author wants open.
	Terminals []LabTerminal `json:"terminals,omitempty"`
}

// LabPort is a port of a lab that is worth reaching.
type LabPort struct {
	Port int    `json:"port"`
	Host string `json:"host,omitempty"` // one of Hosts; empty is the first one
	Name string `json:"name,omitempty"` // what its author calls what is there
}

// LabTerminal is one more terminal of a lab.
type LabTerminal struct {
	Name    string `json:"name"`           // its author's
	Session string `json:"session"`        // to attach to it by, as CMH_SESSION
	Host    string `json:"host,omitempty"` // empty is the first one
	Command string `json:"command,omitempty"`
}

// LabStep is one step of a lab. Text is Markdown in which a fenced block that
// the learner may run has "{exec}" in its info string and one that may be
// copied has "{copy}", and "{file=PATH target=replace}" when it is a file's content: target is also
// insert (instead of the text marker=), append or prepend, and values are percent-encoded. T2 and HOST2 beside the word name another terminal and
// another of the lab's hosts, by their numbers; an inline code span may be followed by {{exec}},
// {{copy}}, or {{open}} when it names a file to edit.
type LabStep struct {
	Number      int    `json:"number"` // from 1
	Title       string `json:"title"`
	Text        string `json:"text,omitempty"`
	Checked     bool   `json:"checked"`          // has a check that counts; without one the step is unverified
	Broken      bool   `json:"broken,omitempty"` // its check is known to be broken, and doesn't count
	Hints       int    `json:"hints"`            // how many there are
	HasSolution bool   `json:"has_solution"`
	// Questions are asked by the texts; they are answered before the learner
	// may go on. Only in a single lab's answer.
	Questions []LabQuestion `json:"questions,omitempty"`
}

// LabFilter narrows a lab list.
type LabFilter struct {
	Query    string
	Course   string // slug
	Provider string
	Runnable bool // only those this installation can run
	Paging
}

// Session states. A session moves through them from top to bottom; active and
// detached alternate.
const (
	Provisioning = "provisioning" // being made, or its set-up still runs
	Ready        = "ready"        // waiting for the learner
	Active       = "active"       // somebody is attached
	Detached     = "detached"     // was attached, runs on
	Submitted    = "submitted"    // handed in; ended
	Expired      = "expired"      // its time was up; ended
	Stopped      = "stopped"      // by the learner, or because it could not be made; ended
	Destroyed    = "destroyed"    // nothing of it is left on any host; ended
)

// Ended reports whether a session in this state is over.
func Ended(state string) bool {
	return state == Submitted || state == Expired || state == Stopped || state == Destroyed
}

// Step states.
const (
	StepPending = "pending" // not checked yet
	StepPassed  = "passed"
	StepFailed  = "failed" // not yet right
	StepError   = "error"  // could not be checked; not the learner's fault
	StepSkipped = "skipped"
)

// LabSession is one learner's sandbox with a lab in it.
type LabSession struct {
	ID        string      `json:"session_id"` // also the SSH user name
	LabID     string      `json:"lab_id"`
	Course    string      `json:"course,omitempty"`
	Title     string      `json:"title"`
	State     string      `json:"state"`
	Message   string      `json:"message,omitempty"` // what is going on, or what went wrong
	Step      int         `json:"step"`              // the current one, from 1; 0 when the lab has no steps
	Steps     []StepState `json:"steps"`
	SSH       SSHAddress  `json:"ssh"`
	Driver    string      `json:"driver"`
	CreatedAt time.Time   `json:"created_at"`
	ExpiresAt time.Time   `json:"expires_at"`
	EndedAt   *time.Time  `json:"ended_at,omitempty"`

	// ExtendableUntil is the latest that ExpiresAt can become.
	ExtendableUntil time.Time `json:"extendable_until"`
}

// SSHAddress is where plain ssh reaches a session.
type SSHAddress struct {
	Host    string `json:"host"`
	Port    int    `json:"port"`
	User    string `json:"user"`
	HostKey string `json:"host_key"` // authorized_keys form, to be pinned
}

// StepState is how one step of a session stands.
type StepState struct {
	Number   int    `json:"number"`
	Title    string `json:"title"`
	State    string `json:"state"`
	Message  string `json:"message,omitempty"` // what the last check said
	Attempts int    `json:"attempts"`

	Checks       []CheckOutcome `json:"checks,omitempty"`        // of the last check, where the step has several or named ones
	HintsTaken   int            `json:"hints_taken,omitempty"`   // how many were shown
	SolutionSeen bool           `json:"solution_seen,omitempty"` // its solution was shown
	Answered     int            `json:"answered,omitempty"`      // questions answered right
	// Score is from 0 to 100: what passing was worth after hints and solution.
	// Nil before.
	Score *int `json:"score,omitempty"`
}

// CheckResult is the outcome of one check, with the whole session's steps.
type CheckResult struct {
	SessionID string `json:"session_id"`
	Step      int    `json:"step"`
	State     string `json:"state"` // of that step: passed, failed, error
	Message   string `json:"message,omitempty"`
	// Checks are those of the step, in order. State is passed when all of them
	// are.
	Checks []CheckOutcome `json:"checks"`
	Open   int            `json:"open"` // questions of the step that are still to be answered
	Steps  []StepState    `json:"steps"`
}

// Hint is one hint of a step.
type Hint struct {
	Step   int    `json:"step"`
	Number int    `json:"number"` // from 1
	Of     int    `json:"of"`
	Text   string `json:"text"` // Markdown
	Cost   int    `json:"cost"` // what it took off the step's score; 0 when the step had passed
}

// Solution is how a step can be solved: commands that can be run as they
// stand, or a text. It is given after the step's first check.
type Solution struct {
	Step   int    `json:"step"`
	Script string `json:"script,omitempty"` // for bash, in the learner's home
	Text   string `json:"text,omitempty"`   // Markdown
}

// SSHCertificate lets the holder of a key in at the gateway, as its user, for
// five minutes.
type SSHCertificate struct {
	Certificate string     `json:"certificate"` // authorized_keys form
	SSH         SSHAddress `json:"ssh"`
	ExpiresAt   time.Time  `json:"expires_at"`
}

// ImportReport says what was found in a repository of scenarios and what
// became of it. Without any lab, no course was made.
type ImportReport struct {
	Course   string        `json:"course,omitempty"`  // slug of the course made of it
	Version  int           `json:"version,omitempty"` // of the course; the same as before when nothing changed
	Labs     []ImportedLab `json:"labs"`
	Rejected []string      `json:"rejected"` // scenarios that could not be read, with file, line and why
	Warnings []string      `json:"warnings"`
	Licence  string        `json:"licence"` // file name, or "none found"
}

// What an import did to a lab.
const (
	ImportNew       = "new"
	ImportChanged   = "changed"
	ImportUnchanged = "unchanged"
)

// ImportedLab is one scenario of an import.
type ImportedLab struct {
	Slug        string   `json:"slug"`
	Path        string   `json:"path"`
	Title       string   `json:"title"`
	Image       string   `json:"image"`
	Needs       []string `json:"needs"`
	Runnable    bool     `json:"runnable"`
	Reason      string   `json:"reason,omitempty"`
	Steps       int      `json:"steps"`
	Checks      int      `json:"checks"`
	Quizzes     int      `json:"quizzes"` // questions in its texts
	Assets      int      `json:"assets"`
	Optional    []string `json:"optional,omitempty"` // what only some of its steps need
	UnknownKeys []string `json:"unknown_keys,omitempty"`
	Warnings    []string `json:"warnings,omitempty"` // its own, with file and line
	State       string   `json:"state,omitempty"`    // new, changed, unchanged; empty in a dry run
}

// ImportOptions says what to make of a repository of scenarios.
type ImportOptions struct {
	Kind   string // killercoda, which Katacoda's format is too; empty means that
	Slug   string // of the course; empty takes the name of the archive's folder
	Title  string // of the course; empty takes what the repository calls itself
	DryRun bool   // only report
}
