package local_test

import (
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
	"github.com/cloudmastershub/cmh/labs/image"
)

// machine is a sandbox of the built image, in which everything is that labs
// assume; one made of this host's /usr has what the host has.
func machine(t *testing.T, spec labs.Spec) *ssh.Client {
	t.Helper()
	needRoot(t)
	store, name := testImage(t)
	if name == image.Host {
		cannot(t, "needs the built image: cmh-server image build")
	}
	d := open(t, t.TempDir(), store)
	cleanUp(t, d)
	spec.ID, spec.Image = "machine", name
	if err := d.Create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	return drivertest.Connect(t, d, spec.ID)
}

// within waits, inside, until a command succeeds, for a minute at most.
func within(command string) string {
	return `for i in $(seq 600); do ` + command + ` && break; sleep 0.1; done >/dev/null 2>&1; `
}

type says struct{ what, command, want string }

func hold(t *testing.T, c *ssh.Client, all []says) {
	t.Helper()
	for _, s := range all {
		got, err := drivertest.Exec(t, c, "exec 2>&1; "+s.command)
		if got != s.want {
			t.Errorf("%s: %s\ngot  %q, %v\nwant %q", s.what, s.command, got, err, s.want)
		}
	}
}

// Root inside does what root does on a small machine, in a lab that declares
// nothing at all.
func TestRootIsRootOfASmallMachine(t *testing.T) {
	t.Parallel()
	c := machine(t, labs.Spec{Hostname: "host01"})
	hold(t, c, []says{
		{"the host's name", "hostname; uname -n; cat /etc/hostname", "host01\nhost01\nhost01"},
		{"is root's to change", "hostname backend && hostname && uname -n && python3 -c 'import socket; print(socket.gethostname())'", "backend\nbackend\nbackend"},
		{"and nobody else's", "su ubuntu -c 'hostname mine' 2>&1 | grep -c root; uname -n", "1\nbackend"},
		{"users", "useradd -m -s /bin/bash -G sudo dora && echo dora:secret | chpasswd && id -nG dora && passwd -S dora | cut -d' ' -f2", "dora sudo\nP"},
		{"groups", "groupadd builders && usermod -aG builders dora && getent group builders | cut -d: -f4", "dora"},
		{"ages of passwords", "chage -M 30 dora && chage -l dora | grep -c 30", "1"},
		{"owners", "chown dora:builders /srv && stat -c %U:%G /srv && chown root:root /srv", "dora:builders"},
		{"becoming somebody", "su - dora -c 'id -un; pwd; echo $HOME'", "dora\n/home/dora\n/home/dora"},
		{"sudo's settings", "visudo -c >/dev/null && echo ok; echo broken >/etc/sudoers.d/x; visudo -c >/dev/null 2>&1 || echo broken; rm /etc/sudoers.d/x", "ok\nbroken"},
		{"root has no need of sudo", "sudo -n id -u 2>/dev/null", "0"},
		{"a daemon", "(nohup python3 -m http.server 80 >/dev/null 2>&1 &) ; " + within("curl -sf localhost") + "curl -s -o /dev/null -w '%{http_code}' localhost", "200"},
		{"a job left behind", "nohup sleep 4321 >/dev/null 2>&1 & echo started", "started"},
		{"goes on", within("pgrep -fx 'sleep 4321'") + "pgrep -fx 'sleep 4321' | wc -l; pkill -fx 'sleep 4321'", "1"},
		{"a list of jobs", "(crontab -l; echo '@reboot hostname >/tmp/cron-was-here') 2>/dev/null | crontab - && crontab -l", "@reboot hostname >/tmp/cron-was-here"},
		{"that is worked off", "service cron start >/dev/null; " + within("test -s /tmp/cron-was-here") + "cat /tmp/cron-was-here", "backend"},
		{"a job for later", "service atd start >/dev/null; echo 'id -un >/tmp/at-was-here' | at now 2>/dev/null; " + within("test -s /tmp/at-was-here") + "cat /tmp/at-was-here", "root"},
		{"a way in by ssh", "service ssh start >/dev/null && install -d -m 700 /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519 && " +
			"cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys && ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new localhost 'uname -n; id -u' 2>/dev/null", "backend\n0"},
		{"with a terminal", "ssh -tt -o BatchMode=yes localhost tty 2>/dev/null | tr -d '\\r' | cut -d/ -f1-3", "/dev/pts"},
		{"and for others", "install -d -o dora -g dora -m 700 /home/dora/.ssh && install -o dora -m 600 /root/.ssh/id_ed25519.pub /home/dora/.ssh/authorized_keys && " +
			"ssh -o BatchMode=yes dora@localhost id -un 2>/dev/null", "dora"},
		{"packages", "mkdir -p /tmp/p/DEBIAN /tmp/p/usr/bin && printf 'Package: tiny\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@x>\\nDescription: x\\n' >/tmp/p/DEBIAN/control && " +
			"printf '#!/bin/sh\\necho tiny\\n' >/tmp/p/usr/bin/tiny && chmod 755 /tmp/p/usr/bin/tiny && dpkg-deb -b /tmp/p /tmp/tiny.deb >/dev/null && dpkg -i /tmp/tiny.deb >/dev/null && tiny && " +
			"dpkg -s tiny | grep Status && dpkg -r tiny >/dev/null && apt list --installed 2>/dev/null | grep -c '^bash/'", "tiny\nStatus: install ok installed\n1"},
		{"names", "sed -i 's/localhost/localhost extra/' /etc/hosts && getent hosts extra | wc -l", "1"},
		{"a file that moves", "touch /tmp/a; before=$(stat -c %d:%i /tmp/a); mv /tmp/a /tmp/b; test $before = $(stat -c %d:%i /tmp/b) && echo same", "same"},
		{"room", "fallocate -l 300M /var/big && rm /var/big && echo enough", "enough"},
		{"somebody to kill", within("! pgrep -x 'sleep|tail'") + "sleep 600 & " + within("pgrep -x sleep") + "pkill -x sleep; wait 2>/dev/null; ! pgrep -x 'sleep|tail' && echo nobody", "nobody"},
		{"programs for many windows", "tmux new -d -s x && tmux ls | cut -d: -f1 && screen -dmS y && " + within("screen -ls | grep -q Detached") + "screen -ls | grep -c Detached", "x\n1"},
		{"a debugger", "strace -f -o /tmp/trace true && tail -1 /tmp/trace | grep -c exited", "1"},
		{"a compiler", `cd /tmp && echo '#include <math.h>
int main(int n, char **v) { return sqrt(n + 3) != 2; }' >c.c && gcc -O2 -Wall c.c -lm && ./a.out && gcc -static -fsanitize=undefined c.c -lm && ./a.out && echo yes`, "yes"},
		{"a manual", "man ls 2>/dev/null | grep -c 'list directory contents'; test -s /usr/share/vim/vim90/tutor/tutor && echo tutor", "1\ntutor"},
		{"an echo", "ping -c1 -W60 127.0.0.1 | grep -c '1 received'", "1"},
		{"the language", `bash -lc 'locale 2>/dev/null | head -1; ls /nowhere 2>&1 | grep -c "No such file"'`, "LANG=C.UTF-8\n1"},
		{"a history", `HISTFILE= bash -ic 'echo "$HISTFILE:$HISTCONTROL:$PROMPT_COMMAND"' 2>/dev/null`, "/root/.bash_history::history -a"},
	})
}

// A sandbox that stands alone has the looks of a machine on a network, and
// nothing behind them.
func TestNetworkToLookAt(t *testing.T) {
	t.Parallel()
	c := machine(t, labs.Spec{})
	hold(t, c, []says{
		{"an address", "ip -4 -brief addr show dev eth0 | awk '{print $1, $3}'; hostname -I | xargs", "eth0 172.30.1.2/24\n172.30.1.2"},
		{"a gateway", "ip route | awk '/^default/{print $3, $5}'; route -n | awk '$1 == \"0.0.0.0\" {print $2}'", "172.30.1.1 eth0\n172.30.1.1"},
		{"that answers", "ping -c1 -W60 172.30.1.1 | grep -c '1 received'", "1"},
		{"a server at the address", "(python3 -m http.server --bind 172.30.1.2 8000 >/dev/null 2>&1 &); " + within("curl -sf 172.30.1.2:8000") + "curl -s -o /dev/null -w '%{http_code}' 172.30.1.2:8000", "200"},
		{"no neighbours", "bash -c ': </dev/tcp/172.30.1.3/80' 2>&1 | grep -q 'Network is unreachable' && echo at once", "at once"},
		{"nothing beyond", "bash -c ': </dev/tcp/192.0.2.1/80' 2>&1 | grep -q 'Network is unreachable' && echo at once", "at once"},
		{"and that's not root's to change", "for what in 'rule del pref 1000' 'route add 192.0.2.0/24 dev eth0' 'link set eth0 down' 'link add x type veth'; do ip $what 2>/dev/null && echo $what; done; true", ""},
		{"no other kind of address", "ip -6 -o addr show dev eth0 | wc -l", "0"},
	})
}

// What scenarios of Killercoda and Katacoda find without asking for it.
func TestLayoutThatScenariosAssume(t *testing.T) {
	t.Parallel()
	c := machine(t, labs.Spec{})
	hold(t, c, []says{
		{"a host file", "test -s /etc/killercoda/host && echo there", "there"},
		{"Katacoda's folder", "mkdir /home/scrapbook/tutorial/x && stat -c %n /root/tutorial/x", "/root/tutorial/x"},
		{"logs", "test -d /var/log/killercoda && echo there", "there"},
		{"somebody else", "id -nG ubuntu; getent passwd ubuntu | cut -d: -f3,6,7", "ubuntu adm sudo\n1000:/home/ubuntu:/bin/bash"},
		{"waiting for nothing", "launch.sh && wait.sh && echo ok", "ok"},
		{"groups of a distribution", "getent group sudo adm www-data | wc -l", "3"},
		{"home", "cd; pwd", "/root"},
		{"files of names that are files", "stat -c %F /etc/hosts /etc/hostname /etc/resolv.conf | sort -u; grep -c ' /etc/' /proc/mounts", "regular file\n0"},
		{"no keys of the platform's", "ls -A /root/.ssh 2>/dev/null | wc -l", "0"},
	})
}

// Whoever is not root becomes it by password, or by sudo, in a lab that says
// so; and by nothing at all in a lab that doesn't.
func TestBecomingRootIsDeclared(t *testing.T) {
	t.Parallel()
	const become = "echo dora:secret | chpasswd; su ubuntu -c 'echo secret | su - dora -c id\\ -un' 2>&1 | sed 's/^Password: //'; " +
		"su ubuntu -c 'sudo -n id -u'; su dora -c 'echo secret | sudo -S -p \"\" id -u'; su ubuntu -c 'sudo -n hostname mine'; uname -n; su ubuntu -c 'crontab -l' 2>&1 | grep -c 'no crontab'"
	t.Run("declared", func(t *testing.T) {
		t.Parallel()
		c := machine(t, labs.Spec{AllowSetuid: true})
		hold(t, c, []says{{"", "useradd -m -G sudo dora; " + become, "dora\n0\n0\nmine\n1"}})
	})
	t.Run("not declared", func(t *testing.T) {
		t.Parallel()
		c := machine(t, labs.Spec{})
		got, _ := drivertest.Exec(t, c, "exec 2>&1; useradd -m -G sudo dora; "+become)
		if lines := strings.Split(got, "\n"); strings.Contains(got, "dora\n0") || lines[0] != "su: Authentication failure" || !strings.Contains(got, "\nlab\n") {
			t.Errorf("somebody became root:\n%s", got)
		}
	})
}
