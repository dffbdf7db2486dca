package labs_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/heirtest"
	"github.com/cloudmastershub/cmh/labs/image"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

// These play scenarios written for the test in real sandboxes, with what
// scenarios out there are known to do.

// A stage is a scenario being played.
type stage struct {
	t   *testing.T
	e   *labs.Engine
	sc  *scenario.Scenario
	id  string
	box *labs.Sandbox
}

// play starts the scenario made of files in a sandbox of the base image, and
// waits for its intro's set-up.
func play(t *testing.T, files map[string]string) *stage {
	t.Helper()
	return playOn(t, files, &labs.Engine{})
}

// playOn is play with an engine that lacks nothing but its driver.
func playOn(t *testing.T, files map[string]string, e *labs.Engine) *stage {
	t.Helper()
	dir, agent := os.Getenv("CMH_IMAGE_DIR"), os.Getenv("CMH_LAB_AGENT")
	if dir == "" || agent == "" {
		t.Fatal("CMH_IMAGE_DIR and CMH_LAB_AGENT are not set: run the tests with `make test`, which builds both")
	}
	images, err := image.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	state, err := os.MkdirTemp("", "labs")
	if err != nil {
		t.Fatal(err)
	}
	heirtest.Leave(t, state)
	d, err := local.Open(t.Context(), local.Config{State: filepath.Join(state, "s"), Images: images, Agent: agent})
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	sc, err := scenario.Read(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range sc.Warnings {
		t.Errorf("warning: %s", w)
	}
	e.Driver = d
	s := &stage{t: t, e: e, sc: sc, id: "play"}
	t.Cleanup(func() {
		_ = s.e.Destroy(context.Background(), s.id)
		_ = d.Close()
		_ = os.RemoveAll(state)
	})
	if err := s.e.Start(t.Context(), s.id, sc, sc.Assets); err != nil {
		t.Fatal(err)
	}
	if s.box, err = labs.Open(t.Context(), d, s.id); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.box.Close() })
	until(t, "the intro's set-up has ended", func() bool {
		setup, err := s.e.Setup(t.Context(), s.id, 0)
		if err != nil || setup.Failed {
			t.Fatalf("the intro's set-up: %+v, %v", setup, err)
		}
		return !setup.Running
	})
	return s
}

// run runs one command as the learner's "ssh LAB -- COMMAND" does.
func (s *stage) run(command string) string {
	s.t.Helper()
	out, errs, status, err := s.box.Run(s.t.Context(), command, nil)
	if err != nil || status != 0 {
		s.t.Fatalf("%s\nended with %d, %v\n%s%s", command, status, err, out, errs)
	}
	return strings.TrimSpace(string(out))
}

// typing types a line into the learner's first terminal.
func (s *stage) typing(line string) {
	s.t.Helper()
	if err := s.box.Type(s.t.Context(), proto.Typing{Bytes: []byte(line + "\n")}); err != nil {
		s.t.Fatal(err)
	}
}

// appears waits for a file and returns what is in it.
func (s *stage) appears(file string) string {
	s.t.Helper()
	var content string
	until(s.t, file+" appears", func() bool {
		out, _, status, err := s.box.Run(s.t.Context(), "test -s "+file+" && cat "+file, nil)
		content = strings.TrimSpace(string(out))
		return err == nil && status == 0
	})
	return content
}

func (s *stage) check(n int) labs.Verdict {
	s.t.Helper()
	v, err := s.e.Check(s.t.Context(), s.id, s.sc, n)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

func (s *stage) want(n int, outcome labs.Outcome, message string) {
	s.t.Helper()
	if v := s.check(n); v.Outcome != outcome || !strings.Contains(v.Message, message) {
		s.t.Errorf("step %d is %q, saying %q; want %q and %q", n, v.Outcome, v.Message, outcome, message)
	}
}

func TestForegroundLivesInTheLearnersShell(t *testing.T) {
	t.Parallel()
	s := play(t, map[string]string{
		"index.json": `{"title": "Shells", "details": {
			"intro": {"text": "t.md", "code": "fg.sh", "courseData": "bg.sh"},
			"steps": [
				{"text": "t.md", "foreground": "become.sh", "verify": "root.sh"},
				{"text": "t.md", "foreground": "die.sh", "verify": "root.sh"}
			],
			"assets": {"client": [{"file": "tool", "target": "/usr/local/bin", "chmod": "+x"}, {"file": "*.txt", "target": "~/in"}]}
		}, "backend": {"imageid": "ubuntu"}}`,
		"t.md":         "Text",
		"assets/tool":  "#!/bin/sh\necho from the tool\n",
		"assets/a.txt": "A\n",
		// Windows' line ends, the tool at once, and a wait for the other script.
		"fg.sh": "set -e\r\nmkdir -p /srv/work\r\ncd /srv/work\r\nexport COLOUR='two words'\r\nalias hello='echo hi'\r\n" +
			"while [ ! -f /tmp/finished ]; do sleep 0.1; done\r\ntool > tool.out\r\n",
		"bg.sh":     "[ \"$(cat ~/in/a.txt)\" = A ] && [ -x /usr/local/bin/tool ] && tool && touch /tmp/finished\n",
		"become.sh": "exec su - ubuntu\n",
		"die.sh":    "set -e\nfalse\n",
		"root.sh":   "[ \"$(id -un):$HOME:$PWD\" = root:/root:/root ] && [ ! -t 0 ]",
	})
	if got := s.appears("/srv/work/tool.out"); got != "from the tool" {
		t.Errorf("the tool said %q", got)
	}
	s.typing(`echo "$PWD,$COLOUR,$(hello)" >/tmp/typed; false; jobs; echo "$-" >/tmp/flags`)
	if got := s.appears("/tmp/typed"); got != "/srv/work,two words,hi" {
		t.Errorf("the learner's next command saw %q", got)
	}
	if got := s.appears("/tmp/flags"); strings.Contains(got, "e") || !strings.Contains(got, "m") {
		t.Errorf("the shell's options are %q", got)
	}
	// It is written with the next prompt.
	if got := s.appears("/root/.bash_history"); !strings.HasPrefix(got, `echo "$PWD`) {
		t.Errorf("the history begins with %q", got)
	}

	if err := s.e.OpenStep(t.Context(), s.id, s.sc, 1); err != nil {
		t.Fatal(err)
	}
	until(t, "the terminal is ubuntu's", func() bool {
		out, _, _, _ := s.box.Run(t.Context(), "pgrep -u ubuntu bash", nil)
		return len(out) > 0
	})
	s.typing(`id -un >/tmp/who; sudo id -un >>/tmp/who; echo . >>/tmp/who`)
	until(t, "ubuntu has typed", func() bool { return strings.HasSuffix(s.appears("/tmp/who"), ".") })
	if got := s.appears("/tmp/who"); got != "ubuntu\nroot\n." {
		t.Errorf("who: %q", got)
	}
	s.want(1, labs.Passed, "")

	s.typing("exit") // back in root's
	if err := s.e.OpenStep(t.Context(), s.id, s.sc, 2); err != nil {
		t.Fatal(err)
	}
	s.typing("echo alive >/tmp/alive") // typed ahead
	until(t, "there is a shell again", func() bool {
		s.typing("echo alive >/tmp/alive")
		out, _, _, _ := s.box.Run(t.Context(), "cat /tmp/alive", nil)
		return string(out) == "alive\n"
	})
}

func TestBackgroundLeavesDaemonsAndLogs(t *testing.T) {
	t.Parallel()
	s := play(t, map[string]string{
		"index.json": `{"details": {"intro": {"text": "t.md", "background": "bg.sh"}, "steps": [{"text": "t.md", "verify": "gone.sh"}],
			"finish": {"text": "t.md", "background": "bye.sh"}}, "title": "Daemons", "backend": {"imageid": "ubuntu"}}`,
		"t.md": "Text",
		"bg.sh": "echo out; echo err >&2\nprintf '#!/bin/bash\\nwhile :; do read -t 60 <> <(:); done\\n' >/usr/local/bin/worker.sh; chmod +x /usr/local/bin/worker.sh\n" +
			"worker.sh &\nnohup setsid worker.sh >/dev/null 2>&1 &\n[ \"$LC_ALL:$PWD:$HOME\" = C.UTF-8:/root:/root ] && getent hosts \"$(hostname)\" && [ ! -t 0 ]\n",
		"bye.sh":  "echo bye >/tmp/bye\n",
		"gone.sh": "! pgrep -f worker.sh >/dev/null",
	})
	if got := s.run("cat /var/log/killercoda/*stdout* | head -1; cat /var/log/killercoda/*stderr*"); got != "out\nerr" {
		t.Errorf("logs: %q", got)
	}
	until(t, "both workers are at work", func() bool {
		out, _, _, err := s.box.Run(t.Context(), "pgrep -fc 'bash.*/worker.sh'", nil) // whose shell becomes pgrep, which passes itself by
		return err == nil && strings.TrimSpace(string(out)) == "2"
	})
	s.want(1, labs.Failed, "not done")
	s.run("pkill -9 -f 'bash.*/worker.sh'")
	until(t, "the workers are gone and collected", func() bool { return s.check(1).Outcome == labs.Passed })
	if err := s.e.OpenStep(t.Context(), s.id, s.sc, 2); err != nil {
		t.Fatal(err)
	}
	s.appears("/tmp/bye") // by the finish page
}

func TestChecksOfEveryKind(t *testing.T) {
	t.Parallel()
	kinds := []struct {
		script  string
		outcome labs.Outcome
		says    string
	}{
		{"#!/bin/bash\nexit 0\n", labs.Passed, ""},
		{"#!/bin/bash\necho look again\nexit 1\n", labs.Failed, "look again"},
		{"true", labs.Passed, ""},
		{"#!/bin/bash\r\nif true\r\nthen\r\n  exit 0\r\nfi\r\n", labs.Passed, ""},
		{"[ x -eq 1 ]\ntrue\n", labs.Passed, ""}, // noise on stderr
		{"echo nothing >&2; false\n", labs.Failed, "nothing"},
		{"echo seen; echo because of this >$VERIFICATION_FAILURE_REASON; false\n", labs.Failed, "because of this"},
		{"kill -9 $$\n", labs.Unchecked, "could not be checked"},
		{"#!/bin/false-interpreter\ntrue\n", labs.Unchecked, "could not be checked"},
		{"! pgrep -f quixotic\n", labs.Passed, ""}, // a word of its own
		{"! ps aux | grep quixotic | grep -v grep\n", labs.Passed, ""},
		{"grep -qx 'echo typed by hand' ~/.bash_history\n", labs.Passed, ""},
		{"lsof -t /tmp/held >/dev/null\n", labs.Passed, ""}, // by the learner's own job
		{"if [ -f /tmp/none ]; then echo done; fi\n", labs.Failed, ""},
		{"if [ -f /tmp/held ]; then echo done; fi\n", labs.Passed, "done"},
		{"#!/usr/bin/env python3\nimport os\nexit(0 if os.getuid() == 0 else 1)\n", labs.Passed, ""},
		{"#!/bin/bash#!/bin/bash\ntrue\n", labs.Passed, ""},
	}
	files := map[string]string{"t.md": "Text"}
	var steps []string
	for i, k := range kinds {
		name := "v" + string(rune('a'+i)) + ".sh"
		files[name] = k.script
		steps = append(steps, `{"text": "t.md", "verify": "`+name+`"}`)
	}
	files["index.json"] = `{"title": "Checks", "details": {"steps": [` + strings.Join(steps, ",") + `]}, "backend": {"imageid": "bash"}}`
	s := play(t, files)
	s.typing("echo typed by hand")
	s.typing("echo x >/tmp/held; tail -f /tmp/held >/dev/null & echo y >/tmp/ready")
	s.appears("/tmp/ready")
	for i, k := range kinds {
		s.want(i+1, k.outcome, k.says)
	}
}

func TestSandboxIsASmallMachine(t *testing.T) {
	t.Parallel()
	s := play(t, map[string]string{
		"index.json": `{"title": "Machine", "details": {"intro": {"text": "t.md", "background": "bg.sh"},
			"steps": [{"text": "t.md", "verify": "v.sh"}]}, "backend": {"imageid": "ubuntu:2004"}}`,
		"t.md": "Give `sudo` back to them.",
		"bg.sh": `set -e
hostname backend; [ "$(hostname)" = backend ]
sed -i 's/localhost/localhost extra/' /etc/hosts; getent hosts extra
groupadd builders; useradd -m -s /bin/bash -G builders,sudo dora; echo dora:secret | chpasswd
chage -M 30 dora; chage -l dora | grep -q 30
visudo -cf /etc/sudoers
echo '* * * * * true' | crontab -; crontab -l | grep -q true
fallocate -l 300M /var/big; rm /var/big
touch /tmp/a; before=$(stat -c %d:%i /tmp/a); mv /tmp/a /tmp/b; [ "$before" = "$(stat -c %d:%i /tmp/b)" ]
echo broken >/etc/sudoers.d/broken
rm -rf /root/.ssh; install -d -m 700 /root/.ssh
chown dora:builders /srv
python3 -m http.server 80 >/dev/null 2>&1 &
`,
		"v.sh": "#!/bin/bash\nvisudo -c >/dev/null 2>&1 && ! pgrep -x sleep >/dev/null && ! pgrep -x tail >/dev/null\n",
	})
	if got := s.run("hostname; uname -n; getent passwd dora | cut -d: -f6; stat -c %U /srv"); got != "backend\nbackend\n/home/dora\ndora" {
		t.Errorf("the machine says %q", got)
	}
	s.want(1, labs.Failed, "") // and is checked without sudo
	s.run("rm /etc/sudoers.d/broken; sleep 600 & until pgrep -x sleep; do :; done; pkill -x sleep; wait || true")
	s.want(1, labs.Passed, "")
	// dora's password opens a shell to whoever is not root.
	s.run(`su ubuntu -c "printf 'secret\n' | su dora -c 'id -un' 2>/dev/null" | grep -x dora`)
	until(t, "port 80 is served", func() bool {
		_, _, status, err := s.box.Run(t.Context(), "curl -s localhost", nil)
		return err == nil && status == 0
	})
	s.typing("pstree >/tmp/tree")
	if got := s.appears("/tmp/tree"); !strings.Contains(got, "bash---pstree") {
		t.Errorf("the learner's shell hangs below no process: %s", got)
	}
}

func TestLearnerIsWhoTheScenarioSays(t *testing.T) {
	t.Parallel()
	s := play(t, map[string]string{
		"index.json": `{"title": "Somebody", "details": {
			"intro": {"title": "First", "text": "t.md", "background": "bg.sh", "verify": "v.sh"}, "steps": [{"text": "t.md"}],
			"finish": {"text": "t.md", "verify": "v.sh"}
		}, "backend": {"imageid": "ubuntu", "userid": 1500, "groupid": 1600, "envs": [{"name": "COLOUR", "value": "blue"}, {"name": "HOME", "value": "/srv"}]}}`,
		"t.md":  "Text",
		"bg.sh": "[ \"$(id -u):$HOME\" = 0:/root ]\n",
		"v.sh":  "[ \"$(id -u):$HOME:$(cat /srv/made)\" = 0:/root:1500 ] || { echo not yet; exit 1; }\n",
	})
	if n := len(s.sc.Steps); n != 3 || s.sc.Steps[0].Title != "First" {
		t.Fatalf("%d steps: the checks of the intro and of the finish page make steps", n)
	}
	if got := s.run("id -u; id -g; echo $COLOUR $HOME"); got != "1500\n1600\nblue /srv" {
		t.Errorf("a command is run by %q", got)
	}
	s.want(1, labs.Failed, "not yet")
	s.typing(`echo "$(id -u) $(id -g) $COLOUR $0 $(test -w $(tty) && echo its own)" >/tmp/typed`)
	if got := s.appears("/tmp/typed"); got != "1500 1600 blue /bin/bash its own" && got != "1500 1600 blue -bash its own" {
		t.Errorf("the terminal is of %q", got)
	}
	s.run("test ! -w /srv")
	if err := s.box.Start(t.Context(), proto.Script{Name: "help", Source: []byte("echo 1500 >/srv/made\n")}); err != nil {
		t.Fatal(err)
	}
	until(t, "root has helped", func() bool { return s.check(1).Outcome == labs.Passed })
	s.want(3, labs.Passed, "")
}

func TestShellsBeginWhereTextsAssume(t *testing.T) {
	t.Parallel()
	s := play(t, map[string]string{
		"index.json": `{"title": "Repository", "details": {"steps": [{"text": "t.md", "verify": "v.sh"}]}, "backend": {"imageid": "git"}}`,
		"t.md":       "Run `git init`{{execute}}.",
		"v.sh":       "#!/bin/bash\n[ -d /home/scrapbook/tutorial/.git ] && echo \"done\"",
	})
	s.want(1, labs.Failed, "")
	if got := s.run("pwd; git init --quiet"); got != "/home/scrapbook/tutorial" {
		t.Errorf("a command begins in %s", got)
	}
	s.want(1, labs.Passed, "done")
	s.typing("pwd >/tmp/pwd")
	if got := s.appears("/tmp/pwd"); got != "/home/scrapbook/tutorial" {
		t.Errorf("a terminal begins in %s", got)
	}
}

func TestServicesAreThereWhereLabsSpeakOfThem(t *testing.T) {
	t.Parallel()
	s := play(t, map[string]string{
		"index.json": `{"title": "Now and then", "details": {"steps": [{"text": "t.md", "verify": "v.sh"}]}, "backend": {"imageid": "ubuntu"}}`,
		"t.md":       "Write a time of day with `crontab -`, and `at now` for once.",
		"v.sh":       "#!/bin/bash\nservice cron status | grep -q 'is running' && [ -e /tmp/at ]\n",
	})
	until(t, "cron runs", func() bool {
		_, _, status, err := s.box.Run(t.Context(), "pgrep -x cron && pgrep -x atd", nil)
		return err == nil && status == 0
	})
	s.want(1, labs.Failed, "")
	s.typing("echo 'touch /tmp/at' | at now")
	until(t, "at has run its job", func() bool { return s.check(1).Outcome == labs.Passed })
}

func TestProgramsThatListHardwareDescribeTheLab(t *testing.T) {
	t.Parallel()
	s := play(t, map[string]string{
		"index.json": `{"title": "What is it", "details": {"steps": [{"text": "t.md", "verify": "v.sh"}]}, "backend": {"imageid": "ubuntu"}}`,
		"t.md":       "`lsblk > disks.txt`{{exec}} `lscpu > cpu.txt`{{exec}}",
		"v.sh":       "grep -q NAME /root/disks.txt && grep -q '^CPU(s)' /root/cpu.txt\n",
	})
	s.want(1, labs.Failed, "")
	s.typing("lsblk > disks.txt; lscpu > cpu.txt; lsblk -no TYPE,MOUNTPOINT >mounted.txt")
	if got := s.appears("/root/mounted.txt"); got != "disk \npart /" {
		t.Errorf("lsblk says %q", got)
	}
	s.want(1, labs.Passed, "")
}

func TestServicesAnswerToSystemctl(t *testing.T) {
	t.Parallel()
	s := play(t, map[string]string{
		"index.json": `{"title": "A door", "details": {"steps": [{"text": "t.md", "verify": "v.sh"}, {"text": "t.md", "verify": "off.sh"}]}, "backend": {"imageid": "ubuntu"}}`,
		"t.md":       "`systemctl status ssh`{{exec}}, then let yourself in: `ssh guest@localhost`.",
		"v.sh":       "systemctl is-active --quiet ssh && [ \"$(ssh -o BatchMode=yes guest@localhost whoami)\" = guest ]\n",
		"off.sh":     "[ \"$(systemctl is-active sshd):$(systemctl is-enabled ssh)\" = inactive:disabled ]\n",
	})
	if got := strings.Join(s.sc.Needs, ","); got != "linux" {
		t.Errorf("it needs %s", got)
	}
	until(t, "ssh runs, as on a machine that was just started", func() bool {
		_, _, status, err := s.box.Run(t.Context(), "systemctl is-active ssh", nil)
		return err == nil && status == 0
	})
	s.want(1, labs.Failed, "")
	s.run(`useradd -m -s /bin/bash guest && mkdir -p ~/.ssh ~guest/.ssh && ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519 &&
cp ~/.ssh/id_ed25519.pub ~guest/.ssh/authorized_keys && ssh-keyscan localhost >~/.ssh/known_hosts 2>/dev/null`)
	s.run("sed -i 's/^#PasswordAuthentication.*/PasswordAuthentication no/' /etc/ssh/sshd_config && systemctl restart ssh && systemctl status sshd | grep -q 'active (running)'")
	s.want(1, labs.Passed, "")
	s.want(2, labs.Failed, "")
	s.run("systemctl disable --now ssh")
	s.want(2, labs.Passed, "")
	s.run("systemctl enable ssh && [ $(systemctl is-enabled ssh) = enabled ] && ! pgrep -x sshd")

	for command, want := range map[string]string{
		"systemctl start nosuch":             "Failed to start nosuch.service: Unit nosuch.service not found.",
		"systemctl list-timers":              "System has not been booted with systemd as init system (PID 1). Can't operate.\nFailed to connect to bus: Host is down",
		"su ubuntu -c 'systemctl stop cron'": "Failed to stop cron: Access denied",
	} {
		out, errs, status, err := s.box.Run(t.Context(), command, nil)
		if got := strings.TrimSpace(string(out) + string(errs)); err != nil || status == 0 || got != want {
			t.Errorf("%s ended with %d, %v and said %q", command, status, err, got)
		}
	}
	s.run("hostnamectl set-hostname pier && [ $(hostname):$(cat /etc/hostname) = pier:pier ] && hostnamectl | grep -q pier")
}
