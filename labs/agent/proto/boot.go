package proto

// How a driver starts the agent, when the driver makes the sandbox's
// namespaces itself (labs/driver/local). Package labs/agent/boot reads it.
//
// The agent is process 1 of a finished sandbox: mounts, limits, capabilities,
// seccomp and no_new_privs are in place, nothing of it lies in the file tree
// (it was executed from a sealed memory file). It holds exactly these
// descriptors, and must keep every one of them from its children:
//
//	0        /dev/null
//	1, 2     a log file on the host: panics and why it could not start, never what a learner does
//	ListenFD the listening Unix socket that Driver.Dial reaches
//	BootFD   a Boot as JSON, from offset 0
//	Boot.Cgroups  files for moving a process into the learner's cgroup
//
// argv is {AgentName}, the environment is the one a learner's shell begins
// with (PATH, HOME, LANG, ..., Spec.Env; PWD is where it begins, if not at home), the working directory is /.
//
// What the agent owes in return, first thing: prctl(PR_SET_DUMPABLE, 0), so
// that /proc/1/fd and /proc/1/environ stay closed to a learner who is root;
// signal.Notify for every signal, since the kernel's protection of process 1
// ends where Go installs handlers; prctl(PR_SET_NAME); reaping.
const (
	ListenFD = 3
	BootFD   = 4
)

// Names in argv[0] by which one binary tells what it is to be. The agent's
// main begins with a switch on them: InitName is stage0.Main's, SpawnName is
// boot.SpawnMain's, DockName is boot.DockMain's, anything else is the agent.
const (
	InitName  = "lab-init"
	SpawnName = "lab-spawn"
	DockName  = "lab-dock"
	AgentName = "lab-agent"
)

// Boot is what the driver tells the agent at its start.
type Boot struct {
	ID string `json:"id"` // the sandbox's, for the log

	// Cgroups are open descriptors. Kind says what to write "0" into them for:
	// CgroupThread moves the calling thread, and what it forks is born there
	// (cgroup v1, "tasks"); CgroupProcess moves the calling process (cgroup
	// v2, "cgroup.procs"). Empty: there is no separate cgroup.
	Cgroups    []int  `json:"cgroups,omitempty"`
	CgroupKind string `json:"cgroup_kind,omitempty"`

	// Secret is asked of whoever connects, where not only the host can: see
	// apart.go.
	Secret []byte `json:"secret,omitempty"`
}

// Values of Boot.CgroupKind.
const (
	CgroupThread  = "thread"
	CgroupProcess = "process"
)
