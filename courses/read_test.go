package courses

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudmastershub/cmh/client/hub"
)

func sample(t testing.TB) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	dir := os.DirFS("testdata/course")
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(dir, name)
		m[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReadSample(t *testing.T) {
	t.Parallel()
	c, err := Read(os.DirFS("testdata/course"))
	if err != nil {
		t.Fatal(err)
	}
	d := c.Document
	if d.Slug != "sample-course" || d.Title != "A sample course" || !d.Free || d.Level != "beginner" || d.Provider != "multi" {
		t.Errorf("head: %+v", d)
	}
	if d.Duration != 7+5+5 {
		t.Errorf("duration %d, want the sum of lessons and labs", d.Duration)
	}
	if len(d.Lessons) != 2 || !strings.HasPrefix(d.Lessons[0].Body, "# Counting\n") || d.Lessons[0].Lab != "count-lines" {
		t.Errorf("lessons: %+v", d.Lessons)
	}
	q := d.Lessons[0].Quiz
	if q == nil || q.Pass != 60 || len(q.Questions) != 3 || q.Questions[1].Kind != hub.Multiple {
		t.Fatalf("quiz: %+v", q)
	}
	want := map[string]map[string]Answer{"counting": {
		"tool":  {Right: []string{"a"}, Explanation: "It is short for word count."},
		"flags": {Right: []string{"l", "w"}},
		"port":  {Right: []string{"443", "tcp 443"}},
	}}
	if diff := cmp.Diff(want, c.Answers); diff != "" {
		t.Error(diff)
	}
	if len(c.Labs) != 1 || c.Labs[0].Slug != "count-lines" || c.Labs[0].Steps[0].Solve == nil {
		t.Fatalf("labs: %+v", c.Labs)
	}
	lab := Lab(c.Labs[0])
	wantSteps := []hub.LabStep{{Number: 1, Title: "Count", Text: lab.Steps[0].Text, Checked: true, Hints: 1, HasSolution: true}}
	if diff := cmp.Diff(wantSteps, lab.Steps); diff != "" || lab.Steps[0].Text == "" || lab.EstimatedTime != 5 {
		t.Errorf("lab: %+v %s", lab, diff)
	}
	if s := Summary(lab); s.Instructions != "" || s.Finish != "" || s.Steps[0].Text != "" || lab.Steps[0].Text == "" {
		t.Errorf("a summary has texts, or took them away: %+v", s)
	}
}

func TestHashNamesTheContent(t *testing.T) {
	t.Parallel()
	read := func(change func(fstest.MapFS)) string {
		m := sample(t)
		change(m)
		c, err := Read(m)
		if err != nil {
			t.Fatal(err)
		}
		return c.Hash
	}
	same := read(func(fstest.MapFS) {})
	if again := read(func(fstest.MapFS) {}); again != same {
		t.Error("the same folder has two hashes")
	}
	if read(func(m fstest.MapFS) { m["notes.txt"] = &fstest.MapFile{} }) == same {
		t.Error("another file, the same hash")
	}
	if read(func(m fstest.MapFS) { m["lessons/02-sorting.md"].Data = []byte("x") }) == same {
		t.Error("another text, the same hash")
	}
}

func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	edit := func(file, old, replacement string) func(fstest.MapFS) {
		return func(m fstest.MapFS) {
			if !bytes.Contains(m[file].Data, []byte(old)) {
				panic(file + " has no " + old)
			}
			m[file].Data = bytes.Replace(m[file].Data, []byte(old), []byte(replacement), 1)
		}
	}
	const course, quiz = "course.yaml", "quizzes/counting.yaml"
	for name, tc := range map[string]struct {
		change func(fstest.MapFS)
		want   string
	}{
		"no course.yaml":      {func(m fstest.MapFS) { delete(m, course) }, "course.yaml: is missing"},
		"empty":               {func(m fstest.MapFS) { m[course].Data = nil }, "course.yaml: is empty"},
		"not YAML":            {edit(course, "level: beginner", "level: [beginner"), "course.yaml:7:1: is not YAML"},
		"not UTF-8":           {edit(course, "beginner", "\xff"), "course.yaml: is not UTF-8"},
		"unknown key":         {edit(course, "level:", "livel: x\nlevel:"), "course.yaml:6:1: there is no key livel here"},
		"twice":               {edit(course, "level:", "title: x\nlevel:"), "course.yaml:6:1:"},
		"missing title":       {edit(course, "title: A sample course\n", ""), "title is missing; add it."},
		"title with escapes":  {edit(course, "A sample course", `"A \e]52;c;aGk=\a course"`), "course.yaml:2:8: holds control characters"},
		"title with bidi":     {edit(course, "A sample course", `"A \u202e course"`), "course.yaml:2:8: holds control characters"},
		"slug":                {edit(course, "slug: sample-course", "slug: ../etc"), "course.yaml:1:7: ../etc"},
		"slug of a session":   {edit(course, "slug: sample-course", "slug: s-abcdefghij"), "course.yaml:1:7:"},
		"level":               {edit(course, "beginner", "guru"), "course.yaml:6:8: guru is not one of beginner, intermediate, advanced."},
		"anchors":             {edit(course, "level: beginner", "level: &a beginner"), "course.yaml:6:8: uses"},
		"free is a word":      {edit(course, "free: true", "free: perhaps"), "course.yaml:9:7: must be true or false."},
		"javascript link":     {edit(course, "https://example.com/wc", "javascript:alert(1)"), "is not a link"},
		"two lessons alike":   {edit(course, "id: sorting", "id: counting"), "course.yaml:24:9: another lesson has the id counting"},
		"no lesson file":      {edit(course, "02-sorting.md", "03.md"), "course.yaml:26:11: there is no file lessons/03.md"},
		"file outside":        {edit(course, "lessons/02-sorting.md", "../../etc/passwd"), "course.yaml:26:11: ../../etc/passwd leads out"},
		"absolute file":       {edit(course, "lessons/02-sorting.md", "/etc/passwd"), "course.yaml:26:11: /etc/passwd leads out"},
		"empty lesson":        {func(m fstest.MapFS) { m["lessons/02-sorting.md"].Data = []byte("\n") }, "has no text"},
		"NUL in a lesson":     {func(m fstest.MapFS) { m["lessons/02-sorting.md"].Data = []byte("a\nb\x00") }, "lessons/02-sorting.md:2: holds a NUL"},
		"no lab":              {edit(course, "  - count-lines", "  - missing"), "there is no folder labs/missing"},
		"reserved lab":        {edit(course, "  - count-lines", "  - sessions"), "course.yaml:29:5: no lab can be called sessions"},
		"reserved lab's slug": {edit("labs/count-lines/lab.yaml", "time: 5", "slug: sessions\ntime: 5"), "labs/count-lines/lab.yaml:1: slug: no lab can be called sessions"},
		"lesson of no lab":    {edit(course, "lab: count-lines", "lab: other"), "course.yaml:23:10: there is no lab other"},
		"lab twice":           {edit(course, "  - count-lines", "  - count-lines\n  - count-lines"), "the lab count-lines is there twice"},
		"broken lab":          {edit("labs/count-lines/index.json", "{", "["), "labs/count-lines/index.json"},
		"lab's other slug":    {edit("labs/count-lines/lab.yaml", "time: 5", "slug: elsewhere\ntime: 5"), "make it the folder's name"},
		"pass":                {edit(quiz, "pass: 60", "pass: 101"), "quizzes/counting.yaml:1:7: must be a whole number from 1 to 100."},
		"kind":                {edit(quiz, "kind: single", "kind: one"), "quizzes/counting.yaml:4:11: one is not one of single"},
		"answer of no choice": {edit(quiz, "answer: [a]", "answer: [c]"), "quizzes/counting.yaml:9:13: c is not the id of a choice."},
		"no answer":           {edit(quiz, "answer: [a]", "answer: []"), "lists no right answer"},
		"two for single":      {edit(quiz, "answer: [a]", "answer: [a, b]"), "one right answer"},
		"choice twice":        {edit(quiz, "{id: b", "{id: a"), "another choice has the id a"},
		"question twice":      {edit(quiz, "id: flags", "id: tool"), "another question has the id tool"},
		"choices for text":    {edit(quiz, "kind: text", "kind: text\n    choices: [{id: a, text: a}]"), "kind text has no choices"},
		"no questions":        {func(m fstest.MapFS) { m[quiz].Data = []byte("questions: []\n") }, "from 1 to 100 questions"},
		"large file":          {func(m fstest.MapFS) { m["x"] = &fstest.MapFile{Data: make([]byte, maxFile+1)} }, "x: is larger than 1024 KiB"},
		"link":                {func(m fstest.MapFS) { m["x"] = &fstest.MapFile{Data: []byte("/etc"), Mode: fs.ModeSymlink} }, "x: is a link"},
		"name":                {func(m fstest.MapFS) { m["a\x1b[2J"] = &fstest.MapFile{} }, "rename it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := sample(t)
			tc.change(m)
			c, err := Read(m)
			if err == nil {
				t.Fatalf("read %+v", c.Document)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
			if strings.ContainsFunc(strings.ReplaceAll(err.Error(), "\n", ""), refused) {
				t.Errorf("the message holds control characters: %q", err)
			}
		})
	}
}

func TestSeveralMistakesAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	m := sample(t)
	replace := strings.NewReplacer("beginner", "guru", "free: true", "free: 7", "duration: 5", "duration: soon")
	m["course.yaml"].Data = []byte(replace.Replace(string(m["course.yaml"].Data)))
	_, err := Read(m)
	var wrong *Error
	if !errors.As(err, &wrong) || len(wrong.Problems) != 3 {
		t.Errorf("got %v, want three problems", err)
	}
}

func TestFoldersAreBounded(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(fstest.MapFS){
		"files": func(m fstest.MapFS) {
			for i := range maxFiles + 1 {
				m["many/"+strings.Repeat("x", i%50+1)+string(rune('a'+i/50%26))+string(rune('a'+i/1300))] = &fstest.MapFile{}
			}
		},
		"bytes": func(m fstest.MapFS) {
			for i := range maxFolder/maxFile + 1 {
				m["big/"+string(rune('a'+i%26))+string(rune('a'+i/26))] = &fstest.MapFile{Data: make([]byte, maxFile)}
			}
		},
		"depth":          func(m fstest.MapFS) { m[strings.Repeat("d/", 40)+"f"] = &fstest.MapFile{} },
		"nested YAML":    func(m fstest.MapFS) { m["course.yaml"].Data = bytes.Repeat([]byte("["), 200_000) },
		"nested entries": func(m fstest.MapFS) { m["course.yaml"].Data = bytes.Repeat([]byte("- "), 100_000) },
		"large YAML":     func(m fstest.MapFS) { m["course.yaml"].Data = bytes.Repeat([]byte("a: b\n"), 100_000) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := sample(t)
			fill(m)
			if _, err := Read(m); err == nil {
				t.Error("read it")
			}
		})
	}
}

// Each lab keeps to its own bound, and names one small file again and again.
func TestTheLabsOfACourseAreBoundedTogether(t *testing.T) {
	t.Parallel()
	m := sample(t)
	assets := strings.TrimSuffix(strings.Repeat(`{"file": "big"},`, 45), ",")
	names := ""
	for _, lab := range []string{"one", "two", "three"} {
		m["labs/"+lab+"/index.json"] = &fstest.MapFile{Data: []byte(`{"title": "T", "details": {"steps": [{"text": "1.md", "verify": "v.sh"}], "assets": {"host01": [` + assets + `]}}, "backend": {"imageid": "ubuntu"}}`)}
		m["labs/"+lab+"/1.md"] = &fstest.MapFile{Data: []byte("Text")}
		m["labs/"+lab+"/v.sh"] = &fstest.MapFile{Data: []byte("true")}
		m["labs/"+lab+"/assets/big"] = &fstest.MapFile{Data: make([]byte, maxFile)}
		names += "\n  - " + lab
	}
	m["course.yaml"].Data = append(bytes.TrimSpace(m["course.yaml"].Data), names...)
	_, err := Read(m)
	if wrong, ok := errors.AsType[*Error](err); !ok || len(wrong.Problems) != 1 || !strings.Contains(err.Error(), "labs/three: ") || !strings.Contains(err.Error(), "128 MiB") {
		t.Errorf("%v", err)
	}
}

func TestStarterCoursesCanBeRead(t *testing.T) {
	t.Parallel()
	for name, folder := range Starter() {
		c, err := Read(folder)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, l := range c.Labs {
			if l.Checks() != len(l.Steps) || len(l.Steps) == 0 {
				t.Errorf("%s/%s: %d of %d steps have a check", c.Document.Slug, l.Slug, l.Checks(), len(l.Steps))
			}
			for _, w := range l.Warnings {
				t.Errorf("%s/%s: %v", c.Document.Slug, l.Slug, w)
			}
		}
	}
}

func TestMark(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind  string
		right []string
		given []string
		want  bool
	}{
		"single":               {hub.Single, []string{"a"}, []string{"a"}, true},
		"single wrong":         {hub.Single, []string{"a"}, []string{"b"}, false},
		"nothing":              {hub.Single, []string{"a"}, nil, false},
		"multiple, any order":  {hub.Multiple, []string{"a", "b"}, []string{"b", "a"}, true},
		"multiple, one lacks":  {hub.Multiple, []string{"a", "b"}, []string{"a"}, false},
		"multiple, one twice":  {hub.Multiple, []string{"a", "b"}, []string{"a", "a"}, false},
		"multiple, all ticked": {hub.Multiple, []string{"a", "b"}, []string{"a", "b", "c"}, false},
		"text":                 {hub.Text, []string{"chmod 600"}, []string{"  CHMOD   600 "}, true},
		"text, wrong":          {hub.Text, []string{"chmod 600"}, []string{"chmod600"}, false},
		"text, two guesses":    {hub.Text, []string{"a"}, []string{"a", "b"}, false},
		"no answer known":      {hub.Single, nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := (Answer{Right: tc.right}).Mark(tc.kind, tc.given); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	m := sample(f)
	f.Add(m["course.yaml"].Data, m["quizzes/counting.yaml"].Data, m["lessons/01-counting.md"].Data)
	f.Add([]byte("a: &x [*x]"), []byte("? - - -"), []byte{0})
	f.Add([]byte("!!binary \"\""), []byte("- - - - -"), []byte("\xff"))
	f.Fuzz(func(t *testing.T, course, quiz, lesson []byte) {
		m := fstest.MapFS{
			"course.yaml":            &fstest.MapFile{Data: course},
			"quizzes/counting.yaml":  &fstest.MapFile{Data: quiz},
			"lessons/01-counting.md": &fstest.MapFile{Data: lesson},
			"lessons/02-sorting.md":  &fstest.MapFile{Data: []byte("x")},
		}
		c, err := Read(m)
		if err != nil {
			if strings.ContainsFunc(strings.ReplaceAll(err.Error(), "\n", ""), refused) {
				t.Errorf("the message holds control characters: %q", err)
			}
			return
		}
		if !IsSlug(c.Document.Slug) || c.Document.Title == "" || strings.ContainsFunc(c.Document.Title, refused) {
			t.Errorf("accepted %+v", c.Document)
		}
		for _, l := range c.Document.Lessons {
			if l.Quiz == nil {
				continue
			}
			for _, q := range l.Quiz.Questions {
				right := c.Answers[l.ID][q.ID]
				if len(right.Right) == 0 || (q.Kind != hub.Text && !right.Mark(q.Kind, right.Right)) {
					t.Errorf("nobody can answer %+v", q)
				}
			}
		}
	})
}
