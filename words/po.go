package words

import (
	"fmt"
	"strconv"
	"strings"
)

// entry is a text of a PO file, the format of gettext.
type entry struct {
	id, plural string   // English; plural is empty for a text of one form
	forms      []string // the translation
	fuzzy      bool     // a guess: it doesn't count
	kept       bool     // said by Told
}

// translated reports whether e can be shown.
func (e entry) translated() bool {
	for _, f := range e.forms {
		if f == "" {
			return false
		}
	}
	return len(e.forms) > 0 && !e.fuzzy
}

// parse reads a PO file. It knows what we write: msgid, msgid_plural, msgstr and
// the marks "fuzzy" and "kept"; other comments are passed over.
func parse(src string) ([]entry, error) {
	var (
		out  []entry
		e    entry
		into *string // what a further line in quotes belongs to
	)
	end := func() {
		if e.forms != nil {
			out = append(out, e)
			e, into = entry{}, nil
		}
	}
	number := 0
	for line := range strings.SplitSeq(src, "\n") {
		number++
		line = strings.TrimSpace(line)
		wrong := func(what string) ([]entry, error) { return nil, fmt.Errorf("line %d: %s", number, what) }
		if line == "" || line[0] == '#' {
			end()
			if flags, ok := strings.CutPrefix(line, "#,"); ok {
				e.fuzzy = e.fuzzy || strings.Contains(flags, "fuzzy")
				e.kept = e.kept || strings.Contains(flags, "kept")
			}
			continue
		}
		word, quoted, found := "", line, true
		if line[0] != '"' {
			word, quoted, found = strings.Cut(line, " ")
		}
		text, err := strconv.Unquote(strings.TrimSpace(quoted))
		if !found || err != nil || quoted[0] == '`' || quoted[0] == '\'' {
			return wrong("a text in quotes is missing")
		}
		switch {
		case word == "":
			if into == nil {
				return wrong("a text that belongs to nothing")
			}
			*into += text
			continue
		case word == "msgid":
			end()
			e.id, into = text, &e.id
		case word == "msgid_plural":
			e.plural, into = text, &e.plural
		case word == "msgstr", word == fmt.Sprintf("msgstr[%d]", len(e.forms)):
			if word == "msgstr" && (e.forms != nil || e.plural != "") {
				return wrong("one form too many")
			}
			e.forms = append(e.forms, text)
			into = &e.forms[len(e.forms)-1]
		default:
			return wrong("unknown word " + strconv.Quote(word))
		}
	}
	end()
	return out, nil
}
