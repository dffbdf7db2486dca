package scenario

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const fixtures = "testdata/repository"

func findAll(t *testing.T) *Repository {
	t.Helper()
	repo, err := Find(os.DirFS(fixtures))
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

func TestFindFollowsTheAuthorsList(t *testing.T) {
	t.Parallel()
	repo := findAll(t)
	var got []string
	for _, s := range repo.Scenarios {
		got = append(got, s.Dir+" "+s.Title)
	}
	want := []string{
		"yaml-index Renamed", "bash-basics Bash basics", "kube kube", "playground Playground", "challenge Challenge",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"dup"}, repo.Hidden); diff != "" {
		t.Error(diff)
	}
	if repo.Title != "Course" || repo.Licence != "LICENSE.txt" {
		t.Errorf("title %q, licence %q", repo.Title, repo.Licence)
	}
	if len(repo.Rejected) != 1 || !strings.HasPrefix(repo.Rejected[0].String(), "broken/index.json:2:") {
		t.Errorf("rejected: %v", repo.Rejected)
	}
	if len(repo.Warnings) != 1 || !strings.Contains(repo.Warnings[0].String(), `structure.json:1: path: "nowhere" does not exist`) {
		t.Errorf("warnings: %v", repo.Warnings)
	}
}

func scenarioAt(t *testing.T, dir string) *Scenario {
	t.Helper()
	s, err := Read(os.DirFS(fixtures), dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReadTakesWhatAuthorsWrite(t *testing.T) {
	t.Parallel()
	s := scenarioAt(t, "bash-basics")
	if s.Difficulty != "beginner" || s.Minutes != 60 || s.RawTime != "45-60 minutes" || s.Credits != "Somebody" || s.User != 1000 {
		t.Errorf("%q %d %q %q %d", s.Difficulty, s.Minutes, s.RawTime, s.Credits, s.User)
	}
	if s.Greeting != "\x1b[32mhi\x1b[m" {
		t.Errorf("greeting %q", s.Greeting)
	}
	if diff := cmp.Diff(map[string]string{"A_B": "1"}, s.Env); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"surprise"}, s.UnknownKeys); diff != "" {
		t.Error(diff)
	}
	var texts, titles []string
	for _, st := range s.Steps {
		texts, titles = append(texts, st.Text), append(titles, st.Title)
	}
	want := []string{
		"Do `ls`{{exec}}\n\n**Question:** What?\n\n", "Second\n", "# Shared page\n", "", "*This step has no text.*\n",
		"````yaml\na: 1\n# ```\n````\n", "Grüße\n", "*This step has no text.*\n",
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
	if titles[1] != "Step 2" {
		t.Errorf("a step without a title is %q", titles[1])
	}
	if s.Finish.Text != "Bye\n" || s.Intro.Text != "Intro\n" {
		t.Errorf("intro %q, finish %q", s.Intro.Text, s.Finish.Text)
	}
	first := s.Steps[0]
	if first.Verify == nil || string(first.Verify.Source) != "[ -f /tmp/x ]" || s.Checks() != 1 {
		t.Errorf("%d checks, the first is %v", s.Checks(), first.Verify)
	}
	if !strings.Contains(first.Solution, "``` {copy}") && !strings.Contains(first.Solution, "ls") {
		t.Errorf("solution %q", first.Solution)
	}
	if len(first.Quiz) != 1 || first.Quiz[0].Answer != "ls" {
		t.Errorf("quiz %v", first.Quiz)
	}
}

func TestScriptsOfBothDialectsRun(t *testing.T) {
	t.Parallel()
	s := scenarioAt(t, "bash-basics")
	var got []string
	for _, sc := range append(slices.Clone(s.Intro.Foreground), s.Intro.Background...) {
		got = append(got, string(sc.Source))
	}
	want := []string{
		"clear\ncd /tmp\n",
		"if command -v launch.sh >/dev/null 2>&1; then launch.sh --now; fi\n",
		"apt-get install -y nginx\n",
		"#!/bin/bash\ncurl http://localhost:8080\r\n[[ -f x ]]\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"linux", "network"}, s.Needs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{8080}, s.Ports); diff != "" {
		t.Error(diff)
	}
}

func TestAssetsLandWhereAuthorsMeant(t *testing.T) {
	t.Parallel()
	s := scenarioAt(t, "bash-basics")
	var got []string
	r := tar.NewReader(bytes.NewReader(s.Assets))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fs.FileMode(h.Mode).String()+" "+h.Name)
	}
	want := []string{
		"-rwxr-xr-x root/setup.sh",
		"-rw-r--r-- root/works/a/w.txt",
		"-rw-r--r-- opt/data/one.txt",
		"-rw-r--r-- opt/data/two.txt/one.txt",
		"-rw-r--r-- etc/one.txt",
		"-rwxr-x--- root/rel/beside.txt",
		"-rw-r--r-- tmp/one.txt",
		"-rwxr--r-- srv/tools/.hidden/h",
		"-rwxr--r-- srv/tools/setup.sh",
		"-rw-r--r-- root/one.txt",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.AssetCount != len(want) {
		t.Errorf("%d assets", s.AssetCount)
	}
}

func TestWarningsNameTheirPlace(t *testing.T) {
	t.Parallel()
	s := scenarioAt(t, "bash-basics")
	var all []string
	for _, w := range s.Warnings {
		all = append(all, w.String())
	}
	joined := strings.Join(all, "\n")
	for _, want := range []string{
		"bash-basics/index.json:1: the file starts with a byte order mark",
		"bash-basics/index.json:2: JSON has no comments",
		"bash-basics/index.json:29: the last comma before ] should go",
		`bash-basics/index.json:10: verify: "missing.sh" does not exist`,
		`bash-basics/index.json:13: text: "nowhere.md" does not exist`,
		`text: "../../../etc/passwd" leaves the repository`,
		`verify: "../shared/page.md" leaves the directory of the scenario`,
		`the asset "none.txt" does not exist`, `"loud" is no mode`,
		`there is one host here; assets for "host02" are left out`,
		`"finish" belongs inside "details"`, `"dashboards" should be a list, it is a text`,
		`"userid" should be a number, it is a text`, `"no good" is no name of an environment variable`,
	} {
		if !strings.Contains(joined, want) {
			t.Errorf("no warning %q in\n%s", want, joined)
		}
	}
}

func TestNeedsComeFromTheContent(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]struct{ needs, optional []string }{
		"kube":       {[]string{"kubernetes", "multi-host"}, []string{"network"}},
		"playground": {[]string{"docker"}, nil},
		"yaml-index": {[]string{"linux"}, nil},
		"challenge":  {[]string{"linux"}, nil},
	} {
		s := scenarioAt(t, dir)
		if diff := cmp.Diff(want.needs, s.Needs); diff != "" {
			t.Errorf("%s: %s", dir, diff)
		}
		if diff := cmp.Diff(want.optional, s.Optional); diff != "" {
			t.Errorf("%s, optional: %s", dir, diff)
		}
	}
}

// What a script does without is no need.
func TestNeedsThatAScriptDoesWithout(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"service cron start >/dev/null 2>&1 || systemctl start cron >/dev/null 2>&1 || true": "",
		"systemctl is-active cron || service cron status":                                    "",
		"systemctl is-active nginx || echo no":                                               "systemd",
		"systemctl --quiet is-active ssh.service && systemctl enable --now cron":             "",
		"systemctl restart ssh nginx":                                                        "systemd",
		"systemctl list-timers":                                                              "systemd",
		"systemctl --user start cron":                                                        "systemd",
		"hostnamectl set-hostname pier":                                                      "",
		"hostnamectl set-chassis vm":                                                         "systemd",
		"mkfs.ext4 -F /root/disk.img":                                                        "",
		"mkfs.ext4 /dev/sdb1":                                                                "privileged",
		"gcc -o hello hello.c && ./hello":                                                    "",
	} {
		if got := strings.Join(slices.Sorted(maps.Keys(needsOf(script))), ","); got != want {
			t.Errorf("%s needs %q, want %q", script, got, want)
		}
	}
}

// Set-up that asks whether a program is there, or what to do where it fails,
// goes on without.
func TestNeedsThatSetUpAsksFor(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"if command -v hostnamectl >/dev/null 2>&1 &&\n  hostnamectl set-hostname pier; then\n  :\nelse\n  hostname pier\nfi": "",
		"if command -v timedatectl &>/dev/null; then\n  timedatectl set-timezone UTC\nfi":                                     "",
		"which loginctl > /dev/null && loginctl list-sessions":                                                                "",
		"timedatectl set-timezone UTC 2>/dev/null || true":                                                                    "",
		"sysctl -w vm.swappiness=10 >/dev/null 2>&1 || :":                                                                     "",
		"systemctl stop broken || exit 1":                                                                                     "systemd",
		"if ! command -v loginctl; then exit 1; fi\ncommand -v loginctl && loginctl":                                          "systemd",
		"timedatectl set-timezone UTC":                                                                                        "systemd",
		"command -v docker && docker run web":                                                                                 "docker",
	} {
		if got := strings.Join(slices.Sorted(maps.Keys(needsOf(withoutSpare(script)))), ","); got != want {
			t.Errorf("%s needs %q, want %q", script, got, want)
		}
	}
	files := func(setup, verify string) []string {
		s, err := Read(fstest.MapFS{
			"index.json": {Data: []byte(`{"title": "T", "details": {"intro": {"text": "t.md", "foreground": "s.sh"}, "steps": [{"text": "t.md", "verify": "v.sh"}]}, "backend": {"imageid": "ubuntu"}}`)},
			"t.md":       {Data: []byte("Text")}, "s.sh": {Data: []byte(setup)}, "v.sh": {Data: []byte(verify)},
		}, ".")
		if err != nil {
			t.Fatal(err)
		}
		return s.Needs
	}
	const tried = "loginctl show-user root >/dev/null || true\n"
	if got := files(tried, "true"); !slices.Equal(got, []string{"linux"}) {
		t.Errorf("set-up that does without needs %q", got)
	}
	if got := files("true", tried); !slices.Contains(got, "systemd") {
		t.Errorf("a check that asks it needs %q", got)
	}
}

// The longest script there may be is read once a program that it asks for, not
// once each time that it asks: that would take an hour.
func TestAScriptMayAskAThousandTimes(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"command -v systemctl&&\n", "! which loginctl;which loginctl&&loginctl\n", "systemctl a || true\n"} {
		script := strings.Repeat(line, maxScript/len(line))
		_, err := Read(fstest.MapFS{
			"index.json": {Data: []byte(`{"title": "T", "details": {"intro": {"text": "t.md", "foreground": "s.sh"}, "steps": [{"text": "t.md"}]}, "backend": {"imageid": "ubuntu"}}`)},
			"t.md":       {Data: []byte("Text")}, "s.sh": {Data: []byte(script)},
		}, ".")
		if err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestWhatTheImageHasNeedsNoNetwork(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]bool{
		"apt-get update\napt-get install -y acl >/dev/null 2>&1 || true": false,
		"apt-get install -qq -y cron jq":                                 false,
		"apt install -y -o Dpkg::Use-Pty=0 tree":                         false,
		"apt-get install -y acl nginx":                                   true,
		"apt-get install":                                                false,
		"apt-get upgrade -y":                                             true,
		"apt-get install -y unzip=6.0-28":                                true,
		"pip install acl":                                                true,
	} {
		if got := needsOf(script)["network"]; got != want {
			t.Errorf("%q needs a network: %v", script, got)
		}
	}
}

func TestLabYAMLAddsWhatTheFormatLacks(t *testing.T) {
	t.Parallel()
	s := scenarioAt(t, "yaml-index")
	if s.Slug != "my-yaml" || s.Image != "base" || s.Minutes != 7 {
		t.Errorf("%q %q %d", s.Slug, s.Image, s.Minutes)
	}
	if diff := cmp.Diff([]Hint{{Text: "Look at `ls`{{exec}}"}, {Text: "Really"}}, s.Steps[0].Hints); diff != "" {
		t.Error(diff)
	}
	if s.Steps[0].Solve == nil || string(s.Steps[0].Solve.Source) != "touch x\n" {
		t.Errorf("solve: %v", s.Steps[0].Solve)
	}
}

func TestChallengeHints(t *testing.T) {
	t.Parallel()
	s := scenarioAt(t, "challenge")
	if !s.Challenge || len(s.Steps[0].Hints) != 1 || s.Steps[1].HintScript == nil {
		t.Errorf("%+v", s.Steps)
	}
}

func TestScenarioSurvivesJSON(t *testing.T) {
	t.Parallel()
	for _, s := range findAll(t).Scenarios {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back Scenario
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		back.Assets = s.Assets
		if diff := cmp.Diff(s, &back); diff != "" {
			t.Errorf("%s: %s", s.Dir, diff)
		}
	}
}

func TestHashFollowsTheContent(t *testing.T) {
	t.Parallel()
	archive := map[string]string{"r/a/index.json": index, "r/a/t.md": "one", "r/a/note": "x"}
	hash := func() string {
		tree, err := Unpack(packed(t, files(archive)...), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := Read(tree, "a")
		if err != nil {
			t.Fatal(err)
		}
		return s.Hash
	}
	first := hash()
	if again := hash(); again != first {
		t.Error("the same content has two hashes")
	}
	archive["r/a/t.md"] = "two"
	if hash() == first {
		t.Error("a changed text keeps the hash")
	}
}

func TestLinksInsideTheRepositoryAreContent(t *testing.T) {
	t.Parallel()
	entries := append(files(map[string]string{
		"r/course/a/index.json": index, "r/materials/t.md": "linked", "r/lost/index.json": index, "r/lost/t.md": "../materials/t.md",
	}), tar.Header{Typeflag: tar.TypeSymlink, Name: "r/course/a/t.md", Linkname: "../../materials/t.md"})
	tree, err := Unpack(packed(t, entries...), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"course/a", "lost"} {
		s, err := Read(tree, dir)
		if err != nil {
			t.Fatal(err)
		}
		if s.Steps[0].Text != "linked" {
			t.Errorf("%s: %q", dir, s.Steps[0].Text)
		}
	}
}

func TestPathway(t *testing.T) {
	t.Parallel()
	tree, err := Unpack(packed(t, files(map[string]string{
		"r/a/two/index.json": index, "r/a/two/t.md": "x", "r/b/one/index.json": index, "r/b/one/t.md": "x",
		"r/step10/index.json": index, "r/step10/t.md": "x", "r/step2/index.json": index, "r/step2/t.md": "x",
		"r/a-pathway.json": `{"title": "P", "courses": [{"course_id": "one", "pathway_id": "b", "title": "First"},
			{"external_link": "https://example.org"}, {"course_id": "two"}, {"course_id": "gone"}]}`,
		"r/katacoda.yaml": "private: true\n",
	})...), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	repo, err := Find(tree)
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, s := range repo.Scenarios {
		dirs = append(dirs, s.Dir)
	}
	if diff := cmp.Diff([]string{"b/one", "a/two", "step2", "step10"}, dirs); diff != "" {
		t.Error(diff)
	}
	if !repo.Private || repo.Title != "P" || repo.Scenarios[0].Title != "First" || len(repo.Warnings) != 1 {
		t.Errorf("%v %q %q %v", repo.Private, repo.Title, repo.Scenarios[0].Title, repo.Warnings)
	}
}

const index = `{"title": "T", "details": {"steps": [{"text": "t.md"}]}, "backend": {"imageid": "ubuntu"}}`
