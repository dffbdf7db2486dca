package words

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// write is the entry as parse reads it.
func (e entry) write(b *strings.Builder) {
	put := func(word, text string) {
		lines := strings.SplitAfter(text, "\n")
		if len(lines) == 1 || len(lines) == 2 && lines[1] == "" {
			fmt.Fprintf(b, "%s %s\n", word, quote(text))
			return
		}
		fmt.Fprintf(b, "%s \"\"\n", word)
		for _, l := range lines {
			if l != "" {
				b.WriteString(quote(l) + "\n")
			}
		}
	}
	if e.fuzzy {
		b.WriteString("#, fuzzy\n")
	}
	if e.kept {
		b.WriteString("#, kept\n")
	}
	put("msgid", e.id)
	if e.plural == "" {
		put("msgstr", append(e.forms, "")[0])
		return
	}
	put("msgid_plural", e.plural)
	for i, f := range e.forms {
		put(fmt.Sprintf("msgstr[%d]", i), f)
	}
}

var quoting = strings.NewReplacer("\\", `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x1b", `\x1b`)

// quote is text as PO files hold it.
func quote(text string) string { return `"` + quoting.Replace(text) + `"` }

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := parse("# by hand\nmsgid \"\"\nmsgstr \"Language: xx\\n\"\n\n#: a.go\n#, go-format\nmsgid \"\"\n\"two \"\n\"lines\\n\"\nmsgstr \"zwei\\n\"\n" +
		"msgid \"%d day\"\nmsgid_plural \"%d days\"\nmsgstr[0] \"%d Tag\"\nmsgstr[1] \"%d Tage\"\n\n#, fuzzy\nmsgid \"open\"\nmsgstr \"offen\"\n\n#, kept\nmsgid \"%s.\"\nmsgstr \"%s.\"\n#~ msgid \"gone\"\n")
	want := []entry{
		{forms: []string{"Language: xx\n"}},
		{id: "two lines\n", forms: []string{"zwei\n"}},
		{id: "%d day", plural: "%d days", forms: []string{"%d Tag", "%d Tage"}},
		{id: "open", forms: []string{"offen"}, fuzzy: true},
		{id: "%s.", forms: []string{"%s."}, kept: true},
	}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, src := range []string{
		"msgid", "msgid open", "msgid 'o'", "\"nothing\"", "msgctxt \"menu\"", "msgid \"a\"\nmsgstr \"b\"\nmsgstr \"c\"", "msgid \"a\"\nmsgstr[1] \"b\"", "msgid \"a",
	} {
		if got, err := parse(src); err == nil {
			t.Errorf("%q: %v", src, got)
		}
	}
}

// FuzzParse holds that reading never fails in another way than by saying so, and
// that what was read is written as it was.
func FuzzParse(f *testing.F) {
	f.Add("msgid \"a\\n\"\nmsgid_plural \"b\"\nmsgstr[0] \"c\"\nmsgstr[1] \"\\\"\"\n")
	f.Add("#, fuzzy\nmsgid \"\"\n\"\\t\"\nmsgstr \"d\"")
	f.Fuzz(func(t *testing.T, src string) {
		entries, err := parse(src)
		if err != nil {
			return
		}
		var b strings.Builder
		for _, e := range entries {
			if e.plural == "" && len(e.forms) > 1 {
				return // forms without a plural: nothing that we write
			}
			e.write(&b)
			b.WriteString("\n")
		}
		again, err := parse(b.String())
		if err != nil || !reflect.DeepEqual(again, entries) {
			t.Errorf("%+v became %+v (%v) by way of %q", entries, again, err, b.String())
		}
	})
}
