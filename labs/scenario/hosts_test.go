package scenario

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestHostsComeFromWhatIsUsed(t *testing.T) {
	t.Parallel()
	const step = `"details": {"steps": [{"text": "step.md"}], "assets": {"host01": [{"file": "a", "target": "/"}], "host02": [{"file": "a", "target": "/"}]}}`
	for name, tt := range map[string]struct {
		image, step, lab string
		names            [][]string
		needs            []string
		assets           bool
	}{
		"a plain machine": {image: "ubuntu", step: "See node01.\n", names: [][]string{{"ubuntu", "host01", "controlplane"}}, needs: []string{"linux"}},
		"an image of two": {
			image: "kubernetes-kubeadm-2nodes", step: "Log in to `node01`.\n", assets: true,
			names: [][]string{{"controlplane", "host01"}, {"node01", "host02"}}, needs: []string{"linux", "multi-host"},
		},
		"an action on the second": {
			image: "ubuntu", step: "`ls`{{exec HOST2}}\n", assets: true,
			names: [][]string{{"ubuntu", "host01", "controlplane"}, {"node01", "host02"}}, needs: []string{"linux", "multi-host"},
		},
		"ssh to the third": {
			image: "ubuntu", step: "`ssh host03 uptime`{{exec}} and host02\n", assets: true,
			names: [][]string{{"ubuntu", "host01", "controlplane"}, {"host02", "node01"}, {"host03", "node02"}}, needs: []string{"linux", "multi-host"},
		},
		"an author's own": {
			image: "ubuntu", step: "Hello.\n", lab: "hosts:\n  - web\n  - {name: db, image: tiny}\n", assets: true,
			names: [][]string{{"web", "host01", "controlplane"}, {"db", "node01", "host02"}}, needs: []string{"linux", "multi-host"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fsys := fstest.MapFS{
				"index.json": {Data: []byte(`{"title": "t", ` + step + `, "backend": {"imageid": "` + tt.image + `"}}`)},
				"step.md":    {Data: []byte(tt.step)},
				"assets/a":   {Data: []byte("a")},
			}
			if tt.lab != "" {
				fsys["lab.yaml"] = &fstest.MapFile{Data: []byte(tt.lab)}
			}
			s, err := Read(fsys, ".")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.names, s.HostNames()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.needs, s.Needs); diff != "" {
				t.Error(diff)
			}
			if got := len(s.Hosts) > 0 && len(s.Hosts[0].Assets) > 0; got != tt.assets {
				t.Errorf("the second host has assets: %v, want %v", got, tt.assets)
			}
		})
	}
}

func TestHostsOfLabYAMLAreNames(t *testing.T) {
	t.Parallel()
	for lab, want := range map[string]string{
		"hosts: [one]\n":           "hosts: a lab is one host without saying so",
		"hosts: [a, a]\n":          "hosts: there are two of the name a",
		"hosts: [a, localhost]\n":  `hosts: "localhost" is no name for a host`,
		"hosts: [a, 'b c']\n":      `hosts: "b c" is no name for a host`,
		"hosts: [a, -b]\n":         `hosts: "-b" is no name for a host`,
		"hosts: [a, b, c, d, e]\n": "hosts: a lab can be 4 hosts at most",
	} {
		fsys := fstest.MapFS{
			"index.json": {Data: []byte(`{"title": "t", "details": {"steps": []}, "backend": {"imageid": "ubuntu"}}`)},
			"lab.yaml":   {Data: []byte(lab)},
		}
		if _, err := Read(fsys, "."); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", lab, err, want)
		}
	}
}
