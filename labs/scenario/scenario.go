// Package scenario reads labs written in the scenario format of Katacoda and
// Killercoda, both dialects as one: it finds the scenarios of a repository,
// reads their texts, scripts, checks and assets, brings the texts into one
// normal form of Markdown, and says what a scenario needs in order to run.
//
// Everything it reads is taken as hostile. It runs nothing, stores nothing and
// reaches no network: running is left to the labs engine, publishing and
// drawing to others.
package scenario

import (
	"fmt"
	"regexp"
	"strings"
)

// Scenario is one lab as its author wrote it, in normal form. It survives a
// round trip through JSON except for Assets, which are kept apart.
type Scenario struct {
	Dir         string `json:"dir"`            // in its repository; "." is the root
	Slug        string `json:"slug,omitempty"` // only when lab.yaml gives one
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Difficulty  string `json:"difficulty,omitempty"` // beginner, intermediate, advanced, or the author's word
	Minutes     int    `json:"minutes,omitempty"`    // 0 is unknown
	RawTime     string `json:"raw_time,omitempty"`   // as written
	Credits     string `json:"credits,omitempty"`
	Language    string `json:"language,omitempty"` // of a translation, two letters
	Private     bool   `json:"private,omitempty"`  // its author does not want it listed

	ImageID     string `json:"image_id,omitempty"` // backend.imageid, as written
	Image       string `json:"image,omitempty"`    // what lab.yaml asks for; empty is the default image
	Environment string `json:"environment"`        // linux, docker, kubernetes, openshift
	Hostname    string `json:"hostname"`
	Hosts       []Host `json:"hosts,omitempty"` // that the lab has besides Hostname, in the order of their addresses
	Layout      string `json:"layout,omitempty"`
	EditorPath  string `json:"editor_path,omitempty"` // where relative file actions write
	Greeting    string `json:"greeting,omitempty"`    // printed once in the terminal; SGR only

	// Egress is what the lab asks to reach outside, as package egress writes
	// rules. Without it, a lab that needs the network gets what the operator gives.
	Egress []string `json:"egress,omitempty"`

	// Env, User and Group are the learner's shell's. Set-up and checks run as
	// root whatever they say. User 0 is root.
	Env   map[string]string `json:"env,omitempty"`
	User  int               `json:"user,omitempty"`
	Group int               `json:"group,omitempty"`
	// WorkDir is where the learner's shells begin; empty is the home.
	WorkDir string `json:"work_dir,omitempty"`

	Intro  Page   `json:"intro"`
	Steps  []Step `json:"steps"`
	Finish Page   `json:"finish"`

	Terminals []Terminal `json:"terminals,omitempty"` // besides the first
	Web       []Web      `json:"web,omitempty"`       // pages served in the sandbox

	// LegacyDone asks a check to print "done" besides exiting with 0.
	LegacyDone bool `json:"legacy_done,omitempty"`
	Challenge  bool `json:"challenge,omitempty"` // steps are tasks that check themselves

	// Needs is what the lab cannot do without, sorted, as labels: linux, docker,
	// kubernetes, openshift, systemd, privileged, network, multi-host, cloud,
	// jupyter, or a language or tool that is more than a small machine has, such
	// as nodejs. It is never empty. Optional is what only some of its steps ask
	// for: network, and web for pages served in the sandbox.
	Needs    []string `json:"needs"`
	Optional []string `json:"optional,omitempty"`
	// Ports are those that texts and scripts speak of, sorted.
	Ports []int `json:"ports,omitempty"`
	// Setuid says that the learner changes users, so that programs such as
	// sudo have to work.
	Setuid bool `json:"setuid,omitempty"`
	// Services are those of the system that the lab takes for running, by the
	// names of their init scripts.
	Services []string `json:"services,omitempty"`
	// Unsupported says why no sandbox can ever run it; empty otherwise.
	Unsupported string `json:"unsupported,omitempty"`

	Assets     []byte `json:"-"` // tar, unpacked at /; nil when there are none
	AssetCount int    `json:"asset_count,omitempty"`

	Licence     string    `json:"licence,omitempty"` // file name, or "none found"
	UnknownKeys []string  `json:"unknown_keys,omitempty"`
	Warnings    []Warning `json:"warnings,omitempty"`
	// Hash names the content of the whole directory and of the files it
	// refers to. Equal hashes read to equal scenarios.
	Hash string `json:"hash"`
}

// Host is one more machine of a lab. The learner's terminals, set-up and checks
// are on the first one, and reach this one over the network between them.
type Host struct {
	Name   string `json:"name"`
	Image  string `json:"image,omitempty"`  // empty is the first host's
	Assets []byte `json:"assets,omitempty"` // tar, unpacked at /
}

// Page is one text, with what happens when it is opened for the first time.
// The zero Page is one the scenario does not have.
type Page struct {
	Title string `json:"title,omitempty"`
	// Text is Markdown in normal form: a block that can be run has an action
	// such as {exec} or {exec T2 interrupt} in its info string, one that is for
	// copying {copy}, one that is a file {file=PATH target=HOW} besides; a code
	// span has {{exec}}, {{copy}} or, as the name of a file, {{open}} right behind it. The
	// platforms' variables are replaced, and nothing else is changed.
	Text string `json:"text,omitempty"`
	// Foreground scripts are sourced by the learner's own shell, Background
	// ones run beside it as root; in order, and both kinds at once.
	Foreground []Script   `json:"foreground,omitempty"`
	Background []Script   `json:"background,omitempty"`
	Quiz       []Question `json:"quiz,omitempty"`
}

// Empty reports whether there is nothing to show or to do.
func (p Page) Empty() bool {
	return p.Title == "" && p.Text == "" && len(p.Foreground) == 0 && len(p.Background) == 0 && len(p.Quiz) == 0
}

// Step is one page the learner works through.
type Step struct {
	Page
	// Verify decides by its exit status whether the step is done. Checks are
	// what else the step asks for; it is done when all of them pass. See
	// Asked.
	Verify *Script `json:"verify,omitempty"`
	Checks []Check `json:"checks,omitempty"`
	// Timeout is how many seconds Verify may run; 0 is the engine's default.
	Timeout int `json:"timeout,omitempty"`
	// Unchecked is why the check that the author named is none; empty
	// otherwise.
	Unchecked string `json:"unchecked,omitempty"`
	// LearnersTools says that what the learner may change is part of the
	// lesson: the tools of this step's checks are not compared.
	LearnersTools bool `json:"learners_tools,omitempty"`

	Hints []Hint `json:"hints,omitempty"` // from vague to plain
	// HintScript prints a hint when called with the seconds since the step
	// was opened.
	HintScript *Script `json:"hint_script,omitempty"`
	Solution   string  `json:"solution,omitempty"` // Markdown
	Solve      *Script `json:"solve,omitempty"`    // solves the step, in the learner's home
	// SolutionCost is what looking at the solution takes off the step's score,
	// in points of 100.
	SolutionCost int `json:"solution_cost,omitempty"`
}

// Script is a program of the scenario. Its interpreter is the one its first
// line names, else bash.
type Script struct {
	File   string `json:"file"` // in the repository; for authors and logs only
	Source []byte `json:"source"`
}

// Question is one question of a page's quiz. Its text stands in the page too,
// without the answers.
type Question struct {
	Kind    string   `json:"kind"` // single, multiple, text
	Prompt  string   `json:"prompt"`
	Choices []Choice `json:"choices,omitempty"`
	Answer  string   `json:"answer,omitempty"`  // for text: exactly this
	Contain bool     `json:"contain,omitempty"` // for text: containing Answer is enough
}

// Choice is one answer to choose.
type Choice struct {
	Text  string `json:"text"`
	Right bool   `json:"right,omitempty"`
}

// Terminal is one more terminal that the author wants open.
type Terminal struct {
	Name    string `json:"name"`
	Host    string `json:"host,omitempty"`
	Command string `json:"command,omitempty"`
}

// Session is the terminal's name as one can attach to it by; empty is the first
// one, whatever the author calls it.
func (t Terminal) Session() string {
	name := strings.Trim(noSession.ReplaceAllString(t.Name, "-"), "-")
	return name[:min(len(name), 64)]
}

var noSession = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// Web is a page served by the sandbox, or a link when Port is 0.
type Web struct {
	Name string `json:"name"`
	Host string `json:"host,omitempty"`
	Port int    `json:"port,omitempty"`
	Link string `json:"link,omitempty"`
}

// Checks is how many steps have a check.
func (s *Scenario) Checks() int {
	n := 0
	for _, st := range s.Steps {
		if st.Checked() {
			n++
		}
	}
	return n
}

// Warning is something an author should mend; the scenario was read anyhow.
type Warning struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"` // 0 when it concerns the whole file
	Text string `json:"text"`
}

func (w Warning) String() string { return place(w.File, w.Line, 0) + w.Text }

// Error is why a scenario could not be read. Its text is safe to show.
type Error struct {
	File      string
	Line, Col int // 0 when unknown
	Text      string
}

func (e *Error) Error() string { return place(e.File, e.Line, e.Col) + e.Text }

func place(file string, line, col int) string {
	switch {
	case file == "":
		return ""
	case line == 0:
		return file + ": "
	case col == 0:
		return fmt.Sprintf("%s:%d: ", file, line)
	}
	return fmt.Sprintf("%s:%d:%d: ", file, line, col)
}
