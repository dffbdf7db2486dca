package mail

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cloudmastershub/cmh/words"
)

// Every text is there in every language, with the same values in it and the same
// commands. Links and tokens work in none else.
func TestEveryLanguageHasEveryText(t *testing.T) {
	t.Parallel()
	said := regexp.MustCompile(`\.[A-Z]\w+|cmh [a-z-]+ [a-z-]+|--\w+`)
	holds := func(name string) []string {
		src, err := fs.ReadFile(files, name)
		if err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(string(src), "Subject: ") {
			t.Errorf("%s has no subject", name)
		}
		// A line may end in the middle of a command.
		text := strings.Join(strings.Fields(string(src)), " ")
		found := map[string]bool{}
		for _, f := range said.FindAllString(text, -1) {
			found[f] = true
		}
		return slices.Sorted(maps.Keys(found))
	}
	all, err := fs.ReadDir(files, "texts")
	if err != nil {
		t.Fatal(err)
	}
	english, err := fs.Glob(files, "texts/en/*.txt")
	if err != nil || len(english) == 0 {
		t.Fatal("no texts: ", err)
	}
	for _, dir := range all {
		if _, ok := words.In(dir.Name()); !ok {
			t.Errorf("%s is no language of ours", dir.Name())
		}
		in, _ := fs.Glob(files, "texts/"+dir.Name()+"/*.txt")
		if len(in) != len(english) {
			t.Errorf("%s has %d texts, want %d", dir.Name(), len(in), len(english))
		}
		for _, name := range english {
			other := strings.Replace(name, "/en/", "/"+dir.Name()+"/", 1)
			if want, got := holds(name), holds(other); !slices.Equal(got, want) {
				t.Errorf("%s has %q, want %q", other, got, want)
			}
		}
	}
}
