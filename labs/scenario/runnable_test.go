package scenario

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRunnables(t *testing.T) {
	t.Parallel()
	page := "Run `ls -l`{{execute}}, then\n`tail -f x`{{execute T2}} and copy `me`{{copy}}.\n\n" +
		"```bash\ncd /tmp\n\tmake\n```{{exec interrupt}}\n\n" +
		"1. In a list:\n\n   ```\n   cat <<E\n   <p>\n   E\n   ```{{execute HOST2}}\n\n" +
		"```\nnever run\n```\n\n`^C`{{execute ctrl-seq}} `half`{{execute no-newline}}\n\n" +
		"<details><summary>Solution</summary>\n\n```sh\ntouch done\n```{{exec}}\n\n</details>\n\n`kill <pid>`{{exec}}\n"
	n := normalise(page)
	want := []Runnable{
		{Code: "ls -l", Terminal: 1, Host: 1},
		{Code: "tail -f x", Terminal: 2, Host: 1},
		{Code: "cd /tmp\n\tmake", Terminal: 1, Host: 1, Interrupt: true},
		{Code: "cat <<E\n<p>\nE", Terminal: 1, Host: 2},
		{Code: "^C", Terminal: 1, Host: 1, Keys: true},
		{Code: "half", Terminal: 1, Host: 1, NoEnter: true},
		{Code: "touch done", Terminal: 1, Host: 1},
		{Code: "kill <pid>", Terminal: 1, Host: 1},
	}
	got := Runnables(n.text)
	var ask []bool
	for i := range got {
		got[i].Line = 0
		ask = append(ask, got[i].Placeholder())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\nof\n%s", diff, n.text)
	}
	if diff := cmp.Diff([]bool{false, false, false, false, false, false, false, true}, ask); diff != "" {
		t.Error(diff)
	}
}

func TestCommandsOfASolution(t *testing.T) {
	t.Parallel()
	const unmarked = "Do:\n\n```bash\ntouch a\n```\n\n```json\n{}\n```\n\n```\ntouch b\n```\n"
	got := Commands(normalise(unmarked).text)
	if len(got) != 2 || got[0].Code != "touch a" || got[1].Code != "touch b" || got[1].Line != 11 {
		t.Errorf("%+v", got)
	}
	if got := Commands(normalise(unmarked + "`touch c`{{exec}}\n").text); len(got) != 1 || got[0].Code != "touch c" {
		t.Errorf("%+v", got)
	}
}

func FuzzRunnables(f *testing.F) {
	f.Add("`ls`{{exec}}\n```\nx\n```{{exec T2}}")
	f.Add("> ```sh {exec}\n> a\n\n- ~~~\n  b")
	f.Fuzz(func(t *testing.T, page string) {
		for _, r := range append(Runnables(page), Commands(normalise(page).text)...) {
			if r.Terminal < 1 || r.Terminal > 9 || r.Host < 1 || r.Host > 9 || r.Line < 1 {
				t.Fatalf("%+v of %q", r, page)
			}
		}
	})
}
