package labs_test

import (
	"os"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
)

// Two hosts that only together are a lab: set-up on the second one is done over
// SSH, as the scenarios of both platforms do it, and so is the check.
var twoHosts = map[string]string{
	"index.json": `{"title": "Two hosts", "details": {
		"intro": {"text": "intro.md", "background": "background.sh"},
		"steps": [{"title": "Serve", "text": "step1.md", "verify": "verify.sh"}],
		"assets": {"host01": [{"file": "page.html", "target": "/srv"}], "node01": [{"file": "page.html", "target": "/srv/www"}]}},
		"backend": {"imageid": "kubernetes-kubeadm-2nodes"}}`,
	"intro.md":         "The other machine is node01.\n",
	"step1.md":         "Serve `/srv/www` of node01 on its port 8080:\n\n`ssh node01 'cd /srv/www && nohup python3 -m http.server 8080 >/dev/null 2>&1 &'`{{exec}}\n",
	"background.sh":    "#!/bin/bash\nssh -o StrictHostKeyChecking=no root@172.30.2.2 'hostname >/root/set-up'\n",
	"verify.sh":        "#!/bin/bash\nssh node01 true || exit 1\ncurl -fs http://node01:8080/page.html | grep -q hello || { echo 'Nothing is served on node01:8080.'; exit 1; }\n",
	"assets/page.html": "hello\n",
}

func TestTwoHosts(t *testing.T) {
	t.Parallel()
	s := play(t, twoHosts)
	if got := s.run("uname -n; ssh node01 uname -n; ssh node01 ssh controlplane uname -n"); got != "controlplane\nnode01\ncontrolplane" {
		t.Errorf("the hosts are %q", got)
	}
	for name, command := range map[string]string{
		"names of both platforms":        "ssh host02 uname -n && ssh host01 uname -n && getent hosts host01 | grep -q 172.30.1.2",
		"set-up reached the second host": "ssh node01 cat /root/set-up",
		"files, both ways":               "scp -q /etc/hostname node01:/tmp/x && scp -q node01:/tmp/x /tmp/y && cmp /etc/hostname /tmp/y",
		"no key where labs make them":    "test ! -e /root/.ssh/id_ed25519 && test ! -e /root/.ssh/id_rsa && test ! -e /root/.ssh/authorized_keys",
		"not as just anybody":            "! su ubuntu -c 'ssh -o BatchMode=yes root@node01 true' 2>/dev/null",
		"nobody else":                    "! timeout 5 bash -c ': </dev/tcp/172.30.3.2/22' 2>/dev/null",
		"pings":                          "ping -c 1 -W 60 node01 >/dev/null && ssh node01 ping -c 1 -W 60 controlplane >/dev/null",
	} {
		if out, errs, status, err := s.box.Run(t.Context(), command, nil); err != nil || status != 0 {
			t.Errorf("%s: %d, %v\n%s%s", name, status, err, out, errs)
		}
	}
	s.run("mkdir -p /root/.ssh && ssh-keygen -q -t rsa -N '' -f /root/.ssh/id_rsa && ssh-copy-id -f -i /root/.ssh/id_rsa node01 && ssh -F none -i /root/.ssh/id_rsa node01 true")
	s.run("rm -r /root/.ssh && ssh node01 rm -r /root/.ssh && ssh node01 true")

	s.want(1, labs.Failed, "Nothing is served on node01:8080.")
	s.typing("ssh node01 'cd /srv/www && nohup python3 -m http.server 8080 >/dev/null 2>&1 &'")
	until(t, "the page is served", func() bool { return s.check(1).Outcome == labs.Passed })

	ids, err := s.e.List(t.Context())
	if err != nil || len(ids) != 1 || ids[0] != s.id {
		t.Errorf("the lab's sandboxes are listed as %v, %v", ids, err)
	}
	if err := s.e.Alive(t.Context(), s.id); err != nil {
		t.Error(err)
	}
	s.backToBoth()
	if err := s.e.Driver.Destroy(t.Context(), labs.HostID(s.id, 2)); err != nil {
		t.Fatal(err)
	}
	if err := s.e.Start(t.Context(), s.id, s.sc, s.sc.Assets); err != nil {
		t.Fatal(err)
	}
	if err := s.e.Destroy(t.Context(), s.id); err != nil {
		t.Fatal(err)
	}
	if left, err := s.e.Driver.List(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("%v is left of the lab, %v", left, err)
	}
	dev, err := os.ReadFile("/proc/net/dev")
	if err != nil || strings.Contains(string(dev), "eth0@") {
		t.Errorf("a device of a lab is the host's: %s, %v", dev, err)
	}
}

// backToBoth goes back to what both hosts were.
func (s *stage) backToBoth() {
	s.t.Helper()
	if err := s.e.Keeps(); err != nil {
		return // tested where it can be
	}
	s.run("echo one >/root/mark; ssh node01 'echo two >/root/mark'")
	if _, err := s.e.Keep(s.t.Context(), s.id, "both"); err != nil {
		s.t.Fatal(err)
	}
	if kept, err := s.e.Kept(s.t.Context()); err != nil || len(kept) != 1 || kept[0].Name != "both" || kept[0].Sandbox != s.id {
		s.t.Errorf("kept is %+v, %v", kept, err)
	}
	s.run("rm /root/mark; ssh node01 'rm /root/mark /srv/www/page.html'")
	if err := s.e.Restore(s.t.Context(), s.id, s.sc, "both"); err != nil {
		s.t.Fatal(err)
	}
	box, err := labs.Open(s.t.Context(), s.e.Driver, s.id)
	if err != nil {
		s.t.Fatal(err)
	}
	defer box.Close()
	out, _, _, err := box.Run(s.t.Context(), "cat /root/mark; ssh node01 cat /root/mark /srv/www/page.html", nil)
	if string(out) != "one\ntwo\nhello\n" {
		s.t.Errorf("back to %q, %v", out, err)
	}
	if err := s.e.Forget(s.t.Context(), "both"); err != nil {
		s.t.Error(err)
	}
	if k, err := labs.KeeperOf(s.e.Driver); err == nil {
		if left, err := k.Snapshots(s.t.Context()); err != nil || len(left) != 0 {
			s.t.Errorf("%v is kept for nobody, %v", left, err)
		}
	}
}

// An author of our own names the hosts in lab.yaml.
func TestHostsOfLabYAML(t *testing.T) {
	t.Parallel()
	s := play(t, map[string]string{
		"index.json": `{"title": "Three hosts", "details": {"steps": [{"text": "step1.md", "verify": "verify.sh"}]}, "backend": {"imageid": "ubuntu"}}`,
		"step1.md":   "Look around.\n",
		"verify.sh":  "#!/bin/bash\nssh db ssh cache uname -n | grep -qx cache\n",
		"lab.yaml":   "slug: three-hosts\nhosts:\n  - web\n  - name: db\n  - cache\n",
	})
	if got := s.run("uname -n; ssh cache 'uname -n; ssh db uname -n'; ip -br -4 addr show | grep -c eth"); got != "web\ncache\ndb\n2" {
		t.Errorf("the hosts are %q", got)
	}
	s.want(1, labs.Passed, "")
}
