package docker_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/drivertest"
	"github.com/cloudmastershub/cmh/labs/scenario"
)

// A check's tools are compared with the image that the engine was given, and a
// sandbox that stands alone has a network to look at.
func TestChecksRelyOnTheImage(t *testing.T) {
	lab := fstest.MapFS{}
	for name, content := range map[string]string{
		"index.json": `{"title": "Work", "details": {"steps": [{"text": "t.md", "verify": "v.sh"}]}, "backend": {"imageid": "ubuntu"}}`,
		"t.md":       "Text",
		"v.sh":       "#!/bin/bash\n[ -s /srv/work ] || { echo nothing; exit 1; }\n! grep -q bad /srv/work || { echo found; exit 1; }\n",
	} {
		lab[name] = &fstest.MapFile{Data: []byte(content)}
	}
	sc, err := scenario.Read(lab, ".")
	if err != nil {
		t.Fatal(err)
	}
	for name, host := range engines(t) {
		t.Run(name, func(t *testing.T) {
			d := open(t, host, t.TempDir(), debian(t))
			e := &labs.Engine{Driver: d}
			t.Cleanup(func() { _ = e.Destroy(context.WithoutCancel(t.Context()), "checked") })
			if err := e.Start(t.Context(), "checked", sc, sc.Assets); err != nil {
				t.Fatal(err)
			}
			if err := e.OpenStep(t.Context(), "checked", sc, 1); err != nil {
				t.Fatal(err)
			}
			c := drivertest.Connect(t, d, "checked")
			if got, err := drivertest.Exec(t, c, "ip -4 -o addr show eth0 | grep -c 172.30.1.2; ip route show default | wc -l"); got != "1\n1" {
				t.Errorf("its network looks like %q, %v", got, err)
			}
			for _, tc := range []struct {
				command string
				outcome labs.Outcome
				says    string
			}{
				{"true", labs.Failed, "nothing"},
				{"echo bad >/srv/work", labs.Failed, "found"},
				{"echo good >/srv/work", labs.Passed, ""},
				{"echo bad >/srv/work; cp /usr/bin/false /usr/local/bin/grep", labs.Unchecked, "/usr/local/bin/grep"},
				{"rm /usr/local/bin/grep; cp /usr/bin/false /usr/bin/x; mv /usr/bin/x /usr/bin/grep", labs.Unchecked, "grep"},
			} {
				if out, err := drivertest.Exec(t, c, tc.command); err != nil {
					t.Fatalf("%s: %v %s", tc.command, err, out)
				}
				v, err := e.Check(t.Context(), "checked", sc, 1)
				if err != nil || v.Outcome != tc.outcome || !strings.Contains(v.Message, tc.says) {
					t.Errorf("after %s: %q, saying %q, %v; want %q and %q", tc.command, v.Outcome, v.Message, err, tc.outcome, tc.says)
				}
			}
			cond, err := d.Examine(t.Context(), "checked")
			if err != nil || cond.State != labs.Running || cond.Image == "" || cond.Since.IsZero() {
				t.Errorf("it is said to be %+v, %v", cond, err)
			}
			if tree, err := d.Original(t.Context(), "checked"); err != nil || tree.Digest != cond.Image {
				t.Errorf("its image is said to be %+v, %v", tree, err)
			}
		})
	}
}
