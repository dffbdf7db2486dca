package labs_test

import (
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/labs"
)

// The check that the tricks below go against says all it can in the negative: a
// tool that fails is as good there as one that lies.
const honestCheck = `#!/bin/bash
[ -s /srv/work ] || { echo "no work"; exit 1; }
! grep -q bad /srv/work || { echo "grep found it"; exit 1; }
`

const awkCheck = `#!/bin/sh
[ -z "$(awk '/bad/' /srv/work)" ] || { echo "awk found it"; exit 1; }
`

// tamperLab has the check that a trick may make hang as a step of its own, whose
// time is soon up; the others have the time that a busy machine takes.
func tamperLab() map[string]string {
	return map[string]string{
		"index.json": `{"title": "Work", "details": {"steps": [{"text": "t.md", "verify": "v.sh"}, {"text": "t.md", "verify": "awk.sh"}, {"text": "t.md", "verify": "v.sh"}]},
			"backend": {"imageid": "ubuntu"}}`,
		"t.md":     "Text",
		"awk.sh":   awkCheck,
		"v.sh":     honestCheck,
		"lab.yaml": "steps:\n  - timeout: 60\n  - timeout: 60\n  - timeout: 8\n",
	}
}

const fake = `printf '#!/bin/sh\ncase $0 in *bash) exit 0;; esac; exit 1\n' >/tmp/fake; chmod 755 /tmp/fake; `

// Whoever is root in a lab can make its tools lie. No such trick makes a check
// pass, each is told from work that is not done, and named where there is a
// file to name.
func TestTricksDoNotPass(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		trick string
		says  string // in the message; empty: any outcome but passed will do
	}{
		"another grep before it on PATH":       {fake + "cp /tmp/fake /usr/local/bin/grep", "/usr/local/bin/grep"},
		"another awk, a folder further on":     {fake + "cp /tmp/fake /usr/local/sbin/awk", "/usr/local/sbin/awk"},
		"another bash":                         {fake + "cp /tmp/fake /usr/bin/bash.new; mv /usr/bin/bash.new /usr/bin/bash", "/bash"},
		"the interpreter is a link":            {fake + "mv /usr/bin/bash /usr/bin/b; ln -s /tmp/fake /usr/bin/bash", "/bash"},
		"to another program of the image":      {"ln -sf false /usr/bin/grep", "grep"},
		"the folder is another one":            {fake + "cp -a /usr/bin /opt/bin; cp /tmp/fake /opt/bin/grep; rm /bin; ln -s /opt/bin /bin", "/bash"},
		"the alternative is another one":       {"ln -sf /usr/bin/false /etc/alternatives/awk", "awk"},
		"a tool is gone":                       {"rm /usr/bin/grep", "grep"},
		"a tool cannot be run":                 {"chmod 644 /usr/bin/grep", "grep"},
		"a library is loaded before all":       {"echo /tmp/evil.so >/etc/ld.so.preload", "/etc/ld.so.preload"},
		"another libc":                         {"cd /usr/lib/*-linux-gnu && cp libc.so.6 l && echo >>l && mv l libc.so.6", "libc.so.6"},
		"the same libc, but written to":        {"cd /usr/lib/*-linux-gnu && cp libc.so.6 l && mv l libc.so.6", "libc.so.6"},
		"a better libc for this processor":     {"cd /usr/lib/*-linux-gnu && mkdir -p glibc-hwcaps/x86-64-v2 && cp libm.so.6 glibc-hwcaps/x86-64-v2/libc.so.6", "libc.so.6"},
		"the loader's cache leads elsewhere":   {"mkdir /opt/l && cp /usr/lib/*-linux-gnu/libpcre2-8.so.0 /opt/l/ && echo >>/opt/l/libpcre2-8.so.0 && echo /opt/l >/etc/ld.so.conf.d/000.conf && ldconfig", "/opt/l/libpcre2-8.so.0"},
		"that cache is exchanged and put back": {leadAway + "(exec -a quiet python3 -c '" + lead + "') >/dev/null 2>&1 & sleep 0.3", ""},
		"that cache is a link":                 {leadAway + "cp /tmp/bad.cache /opt/cache; ln -sf /opt/cache /etc/ld.so.cache", "/opt/l/libpcre2-8.so.0"},
		"that cache never ends":                {"rm /etc/ld.so.cache; mkfifo /etc/ld.so.cache", "/etc/ld.so.cache"},
		"nobody can be watched":                {"(exec -a quiet python3 -c '" + watchers + "') >/dev/null 2>&1 & until test -e /tmp/taken; do sleep 0.1; done", "watched"},
		"another loader":                       {"p=$(readlink -f /lib64/ld-linux-*); cp $p /tmp/l && echo >>/tmp/l && mv /tmp/l $p", "ld-linux"},
		"start-up files and functions":         {`echo 'test() { true; }; grep() { true; }; exit 0' | tee /etc/profile /etc/bash.bashrc ~/.bashrc ~/.bash_profile ~/.profile >/dev/null; echo 'BASH_ENV=/etc/profile' >>/etc/environment`, ""},
		"exported functions and LD_PRELOAD":    {`printf 'export LD_PRELOAD=/tmp/evil.so BASH_ENV=/tmp/fake\ngrep() { return 0; }\nexport -f grep\nalias grep=true\n' >>~/.bashrc; bash -ic true`, ""},
		"process 1 may open no files":          {"prlimit --pid 1 --nofile=64:64", "limit"},
		// It may also be that the agent has no thread left to answer with.
		"nobody may have a process":           {"prlimit --pid 1 --nproc=1:1", ""},
		"the checker is killed":               {watcher("kill -9 $p"), ""},
		"the checker is stopped":              {watcher("kill -STOP $p"), ""},
		"its tools are killed":                {"(exec -a quiet python3 -c '" + sniper + "') >/dev/null 2>&1 &", ""},
		"the script is replaced at once":      {"(exec -a quiet python3 -c '" + swap + "') >/dev/null 2>&1 & sleep 0.3", ""},
		"grep is exchanged and put back":      {"cp /usr/bin/grep /tmp/g; " + fake + "(exec -a quiet python3 -c '" + exchange + "') >/dev/null 2>&1 & sleep 0.3", ""},
		"the place of the scripts is full":    {"rm -rf /run/lab; echo >/run/lab", ""},
		"the place of the scripts is another": {"rm -rf /run/lab; ln -s /tmp /run/lab", ""},
		"all of the disk is taken":            {"dd if=/dev/zero of=/var/big bs=1M status=none; dd if=/dev/zero of=/var/small bs=1 status=none count=100000; true", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, tamperLab())
			if err := s.e.OpenStep(t.Context(), s.id, s.sc, 1); err != nil {
				t.Fatal(err)
			}
			s.run("echo bad >/srv/work")
			step := 1
			if strings.HasSuffix(tt.says, "awk") {
				step = 2
			}
			s.want(step, labs.Failed, "found it")
			if tt.says == "" {
				step = 3
			}
			_, _, _, _ = s.box.Run(t.Context(), "("+tt.trick+") </dev/null", nil) // a trick may cut its own throat
			for range 3 {
				v := s.check(step)
				if v.Outcome == labs.Passed || tt.says != "" && (v.Outcome != labs.Unchecked || !strings.Contains(v.Message, tt.says)) {
					t.Fatalf("it is %q, saying %q; want %q", v.Outcome, v.Message, tt.says)
				}
			}
		})
	}
}

// watcher waits for a check to start and does something to it.
func watcher(do string) string {
	return "(while :; do for f in /run/lab/*; do p=$(pgrep -f \"bash $f\") && " + do + "; done; done) >/dev/null 2>&1 &"
}

// sniper kills every grep and awk it sees, so that what is said in the negative
// seems true.
const sniper = `
import os
while True:
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                if open("/proc/%s/comm" % p).read().strip() in ("grep", "awk", "mawk", "gawk"):
                    os.kill(int(p), 9)
            except OSError:
                pass
`

// swap writes another script over each that appears in /run/lab.
const swap = `
import os
os.makedirs("/run/lab", exist_ok=True)
while True:
    for f in os.listdir("/run/lab"):
        try:
            fd = os.open("/run/lab/" + f, os.O_WRONLY | os.O_NONBLOCK)
            os.write(fd, b"exit 0\n" * 9)
            os.close(fd)
        except OSError:
            pass
        try:
            open("/tmp/s", "w").write("exit 0\n")
            os.rename("/tmp/s", "/run/lab/" + f)
        except OSError:
            pass
`

// exchange puts another grep there as soon as a check runs, and the right one
// back when it ends.
const exchange = `
import os, shutil
while True:
    if any(len(f) == 8 for f in os.listdir("/run/lab") if os.path.isdir("/run/lab")):
        for src in ("/tmp/fake", "/tmp/g"):
            shutil.copy(src, "/tmp/n")
            os.chmod("/tmp/n", 0o755)
            os.rename("/tmp/n", "/usr/bin/grep")
`

// leadAway makes a library with which grep fails, and a loader's cache that leads to it,
// which it leaves aside.
const leadAway = "cp /etc/ld.so.cache /tmp/good.cache; mkdir /opt/l && cp /usr/lib/*-linux-gnu/libpcre2-8.so.0 /opt/l/ && echo >>/opt/l/libpcre2-8.so.0 && " +
	"echo /opt/l >/etc/ld.so.conf.d/000.conf && ldconfig && mv /etc/ld.so.cache /tmp/bad.cache && cp /tmp/good.cache /etc/ld.so.cache && truncate -s 4096 /opt/l/*; "

// lead puts that cache there as soon as a check runs, and the right one back.
const lead = `
import os, shutil
while True:
    if any(len(f) == 8 for f in os.listdir("/run/lab") if os.path.isdir("/run/lab")):
        for src in ("/tmp/bad.cache", "/tmp/good.cache"):
            shutil.copy(src, "/tmp/n")
            os.rename("/tmp/n", "/etc/ld.so.cache")
`

// watchers takes all there is of what files are watched with.
const watchers = `
import ctypes, time
libc = ctypes.CDLL(None)
while libc.inotify_init() >= 0:
    pass
open("/tmp/taken", "w")
time.sleep(3600)
`

// What is honest still passes: work that is done, tools touched as labs have
// learners do, programs of the learner's own, and tools that the author's set-up
// has changed before the learner came.
func TestHonestWorkPasses(t *testing.T) {
	t.Parallel()
	files := tamperLab()
	delete(files, "lab.yaml")
	files["index.json"] = `{"title": "Work", "details": {"intro": {"text": "t.md", "background": "bg.sh"},
		"steps": [{"text": "t.md", "verify": "v.sh"}, {"text": "t.md", "verify": "own.sh"}, {"text": "t.md", "background": "step.sh", "verify": "cat.sh"},
			{"text": "t.md", "verify": "gone.sh"}]}, "backend": {"imageid": "ubuntu"}}`
	files["bg.sh"] = "printf '#!/bin/sh\\nexec /usr/bin/ls \"$@\"\\n' >/usr/local/bin/ls; chmod +x /usr/local/bin/ls; cp /usr/bin/sort /tmp/s; echo >>/tmp/s; mv /tmp/s /usr/bin/sort; chmod 755 /usr/bin/sort\n"
	files["own.sh"] = "mytool | grep -q mine && ls /srv | sort | grep -q work\n"
	files["step.sh"] = "cp /usr/bin/tac /usr/bin/cat.new; mv /usr/bin/cat.new /usr/bin/cat\n"
	files["cat.sh"] = "cat /srv/work | grep -q done\n"
	files["gone.sh"] = "#!/bin/bash\n! command -v tree >/dev/null && [ ! -x /usr/bin/nano ]\n"
	s := play(t, files)
	if err := s.e.OpenStep(t.Context(), s.id, s.sc, 1); err != nil {
		t.Fatal(err)
	}
	s.want(1, labs.Failed, "no work")
	s.run("echo all done >/srv/work; chmod u+s /usr/bin/grep; printf '#!/bin/sh\\necho mine\\n' >/usr/local/bin/mytool; chmod +x /usr/local/bin/mytool; rm /usr/bin/tree /usr/bin/nano; touch /etc/x /usr/local/bin/y")
	s.want(1, labs.Passed, "")
	s.want(2, labs.Passed, "")
	if err := s.e.OpenStep(t.Context(), s.id, s.sc, 3); err != nil {
		t.Fatal(err)
	}
	until(t, "the step's set-up has ended", func() bool {
		setup, err := s.e.Setup(t.Context(), s.id, 3)
		return err == nil && !setup.Running
	})
	s.want(3, labs.Passed, "")
	s.want(4, labs.Passed, "")
	// What was changed later stays changed, whoever opens the first step again.
	s.run("printf '#!/bin/sh\\nexit 0\\n' >/usr/local/bin/grep; chmod +x /usr/local/bin/grep")
	if err := s.e.OpenStep(t.Context(), s.id, s.sc, 1); err != nil {
		t.Fatal(err)
	}
	s.want(1, labs.Unchecked, "/usr/local/bin/grep")
}

func TestLearnersToolsAreNotCompared(t *testing.T) {
	t.Parallel()
	files := tamperLab()
	files["lab.yaml"] = "steps:\n  - tools: learner\n"
	s := play(t, files)
	s.run("echo all done >/srv/work; printf '#!/bin/sh\\nexec /usr/bin/grep \"$@\"\\n' >/usr/local/bin/grep; chmod +x /usr/local/bin/grep")
	s.want(1, labs.Passed, "")
}
