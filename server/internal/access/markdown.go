package access

import (
	"fmt"
	"strings"
)

// Markdown is the table as docs/access.md shows it.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| operation | guest | free | premium | instructor | admin | API key |\n|---|---|---|---|---|---|---|\n")
	for _, o := range Table {
		fmt.Fprintf(&b, "| `%s` |", o.Name)
		for _, c := range o.Who {
			fmt.Fprintf(&b, " %s |", c)
		}
		key := o.Key()
		switch {
		case o.OverSSH():
			key = "-"
		case o.Scope != "":
			key = "`" + key + "`"
		}
		fmt.Fprintf(&b, " %s |\n", key)
	}
	return b.String()
}
