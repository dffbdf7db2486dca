package proto

// forwards are what a direct-tcpip channel may name, and what is dialled for it:
// inside, in the sandbox's network. No name is looked up, for the file of names
// is the learner's.
var forwards = map[string][]string{
	"localhost": {"127.0.0.1", "::1"}, "127.0.0.1": {"127.0.0.1"}, "::1": {"::1"},
	"172.30.1.2": {"172.30.1.2"}, "172.30.2.2": {"172.30.2.2"}, "172.30.3.2": {"172.30.3.2"}, "172.30.4.2": {"172.30.4.2"},
	"node01": {"172.30.2.2"}, "host02": {"172.30.2.2"}, "node02": {"172.30.3.2"}, "host03": {"172.30.3.2"}, "node03": {"172.30.4.2"}, "host04": {"172.30.4.2"},
}

// ForwardsTo is what to dial for the host that a forward names: the sandbox
// itself, or another host of its lab, if it has any. None is a refusal.
func ForwardsTo(host string) []string { return forwards[host] }
