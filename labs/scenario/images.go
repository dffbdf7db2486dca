package scenario

import "strings"

// machine is what an image name of the platforms stands for here.
type machine struct {
	prefix      string
	environment string
	hostname    string
	note        string // for the author
	known       bool
}

const otherPackages = "the image is a Red Hat one; here the package manager differs"

// machines maps image names by prefix; the first match counts.
var machines = []machine{
	{"ubuntu", "linux", "ubuntu", "", true},
	{"kubernetes", "kubernetes", "controlplane", "", true},
	{"minikube", "kubernetes", "controlplane", "", true},
	{"openshift", "openshift", "host01", "", true},
	{"docker", "docker", "host01", "", true},
	{"rhel", "linux", "host01", otherPackages, true},
	{"centos", "linux", "host01", otherPackages, true},
	{"bash", "linux", "host01", "", true},
	{"git", "linux", "host01", "", true},
	{"go", "linux", "host01", "", true},
	{"python", "linux", "host01", "", true},
	{"node", "linux", "host01", "", true},
	{"jdk", "linux", "host01", "", true},
	{"java", "linux", "host01", "", true},
	{"openjdk", "linux", "host01", "", true},
	{"dotnet", "linux", "host01", "", true},
	{"rust", "linux", "host01", "", true},
	{"ruby", "linux", "host01", "", true},
	{"rlang", "linux", "host01", "", true},
	{"kotlin", "linux", "host01", "", true},
	{"vscode", "linux", "host01", "", true},
	{"terraform", "linux", "host01", "", true},
	{"ansible", "linux", "host01", "", true},
	{"none", "linux", "host01", "", true},
}

func imageFor(id string) machine {
	for _, m := range machines {
		if strings.HasPrefix(id, m.prefix) {
			return m
		}
	}
	return machine{environment: "linux", hostname: "host01"}
}
