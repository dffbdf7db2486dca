package scenario

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudmastershub/cmh/labs/image/debian"
)

// needs says what the scenario needs, from what it does and not from the name
// of its image: many authors took a large machine for a shell.
func (r *reader) needs(s *Scenario) {
	needs, optional := map[string]bool{}, map[string]bool{}
	prose, rest, setups := &strings.Builder{}, &strings.Builder{}, &strings.Builder{}
	for _, text := range r.texts {
		prose.WriteString(text + "\n")
	}
	setup := func(scripts []Script) {
		for _, sc := range scripts {
			prose.Write(sc.Source)
			setups.Write(sc.Source)
			for need := range needsOf(withoutSpare(string(sc.Source))) {
				needs[need] = true
			}
		}
	}
	later := func(source string) {
		rest.WriteString(source + "\n")
		for need := range needsOf(source) {
			if need == "network" {
				optional[need] = true
				continue
			}
			needs[need] = true
		}
	}
	setup(s.Intro.Foreground)
	setup(s.Intro.Background)
	for _, st := range s.Steps {
		setup(st.Foreground)
		setup(st.Background)
		for _, c := range st.Asked() {
			later(string(c.Script.Source))
		}
		for _, sc := range []*Script{st.HintScript, st.Solve} {
			if sc != nil {
				later(string(sc.Source))
			}
		}
	}
	for _, command := range r.commands {
		later(looks.ReplaceAllString(command, "true "))
	}
	needs["multi-host"] = needs["multi-host"] || len(s.Hosts) > 0 || slices.Contains(r.hosts, "HOST2") || slices.Contains(r.hosts, "HOST3")
	// A machine of a special kind is needed where something speaks of it, or
	// where it is all that there is.
	all := strings.ToLower(prose.String())
	switch s.Environment {
	case "docker":
		needs["docker"] = needs["docker"] || len(s.Steps) == 0 || strings.Contains(all, "docker") || strings.Contains(all, "podman")
	case "kubernetes":
		needs["kubernetes"] = needs["kubernetes"] || len(s.Steps) == 0 || strings.Contains(all, "kubectl") || strings.Contains(all, "kubernetes")
	case "openshift":
		needs["openshift"] = true
	}
	if s.Unsupported != "" && s.Environment != "openshift" {
		needs["jupyter"] = true
	}
	for port := range r.ports {
		s.Ports = append(s.Ports, port)
	}
	slices.Sort(s.Ports)
	all += strings.ToLower(rest.String() + strings.Join(r.programs, "\n"))
	if strings.Contains(all, clientDir) {
		s.WorkDir = clientDir
	}
	needs["multi-host"] = needs["multi-host"] || twoMachines(s.ImageID) && r.speaksOfMore(s, all)
	if needs["multi-host"] {
		r.findHosts(s, all)
	}
	needs["setuid"] = needs["setuid"] || changesUser.MatchString(all)
	optional["web"] = len(s.Ports) > 0 || slices.ContainsFunc(s.Web, func(w Web) bool { return w.Port > 0 })
	r.hostAssets(s)
	needs["network"] = needs["network"] || len(s.Egress) > 0
	s.Setuid = needs["setuid"]
	for _, service := range services {
		if service.spoken.MatchString(all) && (service.own == nil || !service.own.MatchString(setups.String())) {
			s.Services = append(s.Services, service.name)
		}
	}
	optional["network"] = optional["network"] && !needs["network"]
	delete(needs, "setuid")
	maps.DeleteFunc(needs, func(_ string, is bool) bool { return !is })
	maps.DeleteFunc(optional, func(_ string, is bool) bool { return !is })
	if !needs["docker"] && !needs["kubernetes"] && !needs["openshift"] {
		needs["linux"] = true
	}
	s.Needs = slices.Sorted(maps.Keys(needs))
	s.Optional = slices.Sorted(maps.Keys(optional))
}

// clientDir is where shells began on one platform. Scenarios that speak of it
// were written for such shells.
const clientDir = "/home/scrapbook/tutorial"

// changesUser finds the programs that need setuid wherever they are spoken of:
// a learner who is told of sudo in passing types it too.
var changesUser = regexp.MustCompile(`\b(?:sudo|visudo|sudoers|su -|su root|su ubuntu)\b|\bsu -`)

// looks are commands of systemd that only show something. A learner who is told
// to look gets an answer without it as well.
var looks = regexp.MustCompile(`\b(?:journalctl|systemctl +(?:status|list-units|list-unit-files|is-active|is-enabled))\b[^\n|;&]*`)

// services are those that run on the platforms' machines, with how a scenario
// that wants one speaks of it, and how its set-up starts one of its own.
var services = []struct {
	name   string
	spoken *regexp.Regexp
	own    *regexp.Regexp
}{
	{"atd", regexp.MustCompile(`\batd\b|\batq\b|\bat (?:now\b|-f )|\| *at `), nil},
	{"cron", regexp.MustCompile(`\bcron(?:tab)?\b`), nil},
	{"ssh", regexp.MustCompile(`\bsystemctl [a-z-]+ sshd?\b|\bssh (?:-\S+ )*(?:\S+@)?(?:localhost|127\.0\.0\.1)`), regexp.MustCompile(`\bsshd?\b`)},
}

// tools says what calling a program asks of the sandbox.
var tools = map[string]string{
	"kubectl": "kubernetes", "helm": "kubernetes", "kubeadm": "kubernetes", "oc": "kubernetes", "k9s": "kubernetes",
	"crictl": "kubernetes", "k3s": "kubernetes", "kind": "kubernetes", "minikube": "kubernetes", "kustomize": "kubernetes",
	"docker": "docker", "podman": "docker", "docker-compose": "docker", "buildah": "docker", "nerdctl": "docker", "skopeo": "docker",
	"journalctl": "systemd", "timedatectl": "systemd", "loginctl": "systemd", // systemctl and hostnamectl: see systemd.go
	"losetup": "privileged", "swapon": "privileged", "swapoff": "privileged", "pvcreate": "privileged", "vgcreate": "privileged",
	"lvcreate": "privileged", "lvs": "privileged", "vgs": "privileged", "pvs": "privileged", "lvextend": "privileged",
	"iptables": "privileged", "ip6tables": "privileged", "nft": "privileged", "ufw": "privileged", "cryptsetup": "privileged",
	"modprobe": "privileged", "insmod": "privileged", "umount": "privileged", "fdisk": "privileged", "parted": "privileged",
	"aws": "cloud", "az": "cloud", "gcloud": "cloud",
	"sudo": "setuid", "su": "setuid",
	"node": "nodejs", "npm": "nodejs", "npx": "nodejs", "yarn": "nodejs",
	"java": "java", "javac": "java", "mvn": "java", "gradle": "java", "kotlin": "kotlin", "kotlinc": "kotlin",
	"cargo": "rust", "rustc": "rust", "ruby": "ruby", "irb": "ruby", "gem": "ruby", "bundle": "ruby",
	"dotnet": "dotnet", "Rscript": "r", "g++": "compiler",
	"ansible": "ansible", "ansible-playbook": "ansible", "terraform": "terraform", "tofu": "terraform",
}

// fetches says which words of a package manager reach for the network. apt's
// update is none: without a network it complains, and succeeds.
var fetches = map[string]string{
	"apt": "install upgrade dist-upgrade full-upgrade", "apt-get": "install upgrade dist-upgrade source",
	"aptitude": "install update", "yum": "install update makecache", "dnf": "install update makecache upgrade",
	"apk": "add update upgrade", "zypper": "install in refresh", "snap": "install refresh",
	"pip": "install download", "pip3": "install download", "pipx": "install", "npm": "install i ci update", "npx": "",
	"yarn": "add install", "gem": "install", "cargo": "install build run add", "go": "get install",
	"add-apt-repository": "", "ansible-galaxy": "install", "composer": "install require",
}

var (
	here     = regexp.MustCompile(`<<-?[ \t]*["']?([A-Za-z_][A-Za-z0-9_]*)`)
	cut      = regexp.MustCompile("&&|\\|\\||[;|&(){}`\n]")
	assign   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
	lead     = regexp.MustCompile(`^(?:if|then|else|elif|while|until|do|time|nohup|exec|env|command|builtin|xargs|watch|setsid|timeout|!|\$|-[A-Za-z]+|\d+[smh]?)$`)
	public   = regexp.MustCompile(`(?:https?|git|ftp)://([A-Za-z0-9.-]+)|git@([A-Za-z0-9.-]+):`)
	private  = regexp.MustCompile(`^(?:localhost|127\.|10\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.|169\.254\.|0\.0\.0\.0|host0\d|node0\d|controlplane|example\.)`)
	hostWord = regexp.MustCompile(`\b(?:host01|controlplane|node01|host02|node02|host03)\b`)
)

// needsOf reads a script as far as that needs no shell: which programs stand
// where a command begins, and which words follow them.
func needsOf(src string) map[string]bool {
	needs := map[string]bool{}
	for _, command := range commandsOf(src) {
		words := strings.Fields(command)
		for len(words) > 0 && (assign.MatchString(words[0]) || lead.MatchString(words[0])) {
			words = words[1:]
		}
		if len(words) == 0 {
			continue
		}
		if words[0] == "sudo" || words[0] == "doas" {
			needs["setuid"] = true
			if words = words[1:]; len(words) == 0 {
				continue
			}
		}
		name, args := words[0][strings.LastIndexByte(words[0], '/')+1:], words[1:]
		if need := tools[name]; need != "" {
			needs[need] = true
		}
		if verbs, ok := fetches[name]; ok && (verbs == "" || asksFor(args, verbs)) && !installed(name, args) {
			needs["network"] = true
		}
		switch name {
		case "systemctl", "hostnamectl":
			needs["systemd"] = needs["systemd"] || !answered(name, args)
		case "curl", "wget", "git", "http", "svn", "rsync":
			for _, m := range public.FindAllStringSubmatch(command, -1) {
				if host := m[1] + m[2]; strings.Contains(host, ".") && !private.MatchString(host) {
					needs["network"] = true
				}
			}
		case "k":
			needs["kubernetes"] = needs["kubernetes"] || len(args) > 0 && asksFor(args[:1], "get describe apply create delete run logs explain expose")
		case "go":
			needs["go"] = needs["go"] || asksFor(args, "run build test mod vet fmt get install version env doc generate tool work")
		case "mount", "sysctl":
			needs["privileged"] = needs["privileged"] || len(args) > 0
		case "terraform", "tofu":
			needs["cloud"] = needs["cloud"] || asksFor(args, "apply plan")
		case "ip":
			needs["privileged"] = needs["privileged"] || (asksFor(args, "link netns addr address route") && asksFor(args, "add del set delete exec"))
		case "ssh", "scp", "sftp", "ssh-copy-id": // even to itself: nobody listens
			needs["multi-host"] = needs["multi-host"] || hostWord.MatchString(command)
		}
		// A file system in a file is anybody's to make.
		if (name == "mkfs" || strings.HasPrefix(name, "mkfs.")) && slices.ContainsFunc(args, device) {
			needs["privileged"] = true
		}
	}
	maps.DeleteFunc(needs, func(_ string, is bool) bool { return !is })
	return needs
}

// installed reports whether apt is asked for nothing but what the base image has:
// it then says so and is content, network or not. Without one it can't update
// its lists either, which isn't an error of its.
func installed(name string, args []string) bool {
	if name != "apt" && name != "apt-get" {
		return false
	}
	verb := ""
	for _, a := range args {
		switch {
		case strings.HasPrefix(a, "-"), strings.ContainsAny(a, "<>") || strings.Contains(a, "::"): // options, and what is left of a redirection
		case verb == "":
			verb = a
		case verb == "install" && !slices.Contains(base, a):
			return false
		}
	}
	return verb == "install" || verb == "update"
}

// base are the packages that every Debian and the base image have, as far as
// scenarios ask for them.
var base = append(debian.Packages(), "dnsutils", "gnupg", "gpg", "iputils-ping", "perl-base", "mawk", "libc6", "e2fsprogs", "ncurses-bin")

func device(arg string) bool { return strings.HasPrefix(arg, "/dev/") }

// either is a service asked for in two ways, of which one does without systemd.
var either = regexp.MustCompile(`\bservice [^\n|;]*\|\| *(?:sudo +)?systemctl [^\n|;]*|\bsystemctl [^\n|;]*\|\| *(?:sudo +)?service `)

// asksFor reports whether one of args is one of the words of list.
func asksFor(args []string, list string) bool {
	for _, a := range args {
		if slices.Contains(strings.Fields(list), a) {
			return true
		}
	}
	return false
}

// commandsOf cuts a script into simple commands, without comments and
// here-documents. A quoted separator cuts too; the pieces are seldom programs.
func commandsOf(src string) []string {
	src = either.ReplaceAllString(src, "service ")
	var kept []string
	until := ""
	for line := range strings.SplitSeq(strings.ReplaceAll(src, "\\\n", " "), "\n") {
		if until != "" {
			if strings.TrimSpace(line) == until {
				until = ""
			}
			continue
		}
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "#") {
			continue
		}
		if m := here.FindStringSubmatch(line); m != nil && !strings.Contains(line, "<<<") {
			until = m[1]
		}
		kept = append(kept, line)
	}
	return cut.Split(strings.Join(kept, "\n"), -1)
}
