package scenario_test

import (
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/labs/scenario"
)

func TestToolsOfAScript(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"grep -q x /etc/passwd":                                "grep",
		"if ! test -f x; then echo a; fi":                      "echo fi test",
		"sudo -u ana test -f x":                                "ana sudo test x",
		"find / -exec grep x {} +":                             "find grep x",
		"command -v tree; which nano; type -t vi":              "command type which",
		"x=$(awk 1 f | /usr/bin/sort)":                         "/usr/bin/sort awk",
		"[ \"$(stat -c %a /srv)\" = 700 ] && ! pgrep -x sleep": "pgrep stat",
		"bash -c 'grep x y'":                                   "bash grep x y",
		"# sed\ncat <<EOF\nrm x\nEOF\n":                        "cat",
		"":                                                     "",
	} {
		if got := strings.Join(scenario.Script{Source: []byte(src)}.Tools(), " "); got != want {
			t.Errorf("%q calls %q, want %q", src, got, want)
		}
	}
	for src, want := range map[string]string{
		"true": "/bin/bash", "#!/bin/sh -e\n": "/bin/sh", "#!/usr/bin/env -S python3 -I\n": "python3", "#!/usr/bin/perl\n": "/usr/bin/perl",
		"#!/usr/bin/env\n": "/bin/bash", "#!\n": "/bin/bash",
	} {
		if got := strings.Join(scenario.Script{Source: []byte(src)}.Interpreter(), " "); got != want {
			t.Errorf("%q is run by %q, want %q", src, got, want)
		}
	}
}

func FuzzTools(f *testing.F) {
	f.Add([]byte("#!/bin/bash\nx=$(sudo -u a grep 'b' <<< c) && \"/bin/d\""))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, tool := range (scenario.Script{Source: src}).Tools() {
			if tool == "" || strings.ContainsAny(tool, " \n\x00*?") || strings.Contains(tool, "/../") {
				t.Errorf("%q", tool)
			}
		}
	})
}
