package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/words"
)

// Print writes v as JSON when the caller asked for that, and lets human write
// it otherwise.
func Print[T any](env *Env, v T, human func(w io.Writer)) error {
	if env.JSON {
		return printJSON(env, v)
	}
	human(env.Out)
	return nil
}

// Column is one column of a list.
type Column[T any] struct {
	Title string
	Cell  func(T) string
	Word  bool // the cell is a word of ours: people read it in their language
}

// PrintList writes items as a JSON array when the caller asked for that, as a
// table when they look at a terminal, and tab separated without a header
// otherwise. Cells may hold what strangers wrote: they are cleaned here.
func PrintList[T any](env *Env, items []T, cols ...Column[T]) error {
	if env.JSON {
		if items == nil {
			items = []T{}
		}
		return printJSON(env, items)
	}
	return printRows(env, len(items), len(cols),
		func(c int) (string, bool) { return cols[c].Title, cols[c].Word },
		func(r, c int) string { return cols[c].Cell(items[r]) })
}

// printRows is PrintList without its types: there are many of those, and each has
// the linker write the code anew.
func printRows(env *Env, items, cols int, head func(c int) (title string, word bool), cell func(r, c int) string) error {
	rows := make([][]string, 0, items+1)
	if env.ForHumans() {
		if items == 0 {
			env.Say("Nothing to show.")
			return nil
		}
		titles := make([]string, cols)
		for c := range titles {
			title, _ := head(c)
			titles[c] = env.T(title)
		}
		rows = append(rows, titles)
	}
	for r := range items {
		row := make([]string, cols)
		for c := range row {
			row[c] = CleanLine(cell(r, c))
			if _, word := head(c); word && env.ForHumans() {
				row[c] = env.T(row[c])
			}
		}
		rows = append(rows, row)
	}
	if !env.ForHumans() {
		return writeTSV(env.Out, rows)
	}
	if env.Accessible() {
		return writeSentences(env, rows)
	}
	return writeTable(env, rows)
}

// Pair writes a value behind its name: in a column for those who look at a
// terminal, as a sentence for those who hear it, and tab separated for programs. A
// value without a name speaks for itself.
func (e *Env) Pair(w io.Writer, column int, name, value string) {
	switch value = CleanLine(value); {
	case !e.ForHumans():
		_, _ = fmt.Fprintf(w, "%s\t%s\n", name, value)
	case !e.Accessible():
		_, _ = fmt.Fprintf(w, "%-*s %s\n", column, e.T(name), value)
	case name == "":
		_, _ = fmt.Fprintln(w, value)
	default:
		_, _ = fmt.Fprintf(w, "%s: %s\n", e.T(name), value)
	}
}

// marks stand for a state, beside a word that says it.
const marks = "✓✗·!?-"

// Aloud is a text without the mark that it begins with, for those who hear it: a
// mark is read as its own name.
func (e *Env) Aloud(text string) string {
	if e.ForHumans() && e.Accessible() {
		return strings.TrimLeft(text, marks+" ")
	}
	return text
}

// writeSentences writes each row as a line, its place among them and every cell
// behind the title of its column: what is read aloud has no columns.
func writeSentences(env *Env, rows [][]string) error {
	var b strings.Builder
	titles, rows := rows[0], rows[1:]
	for n, r := range rows {
		parts := []string{}
		for i, c := range r {
			switch title := titles[i]; {
			case strings.Trim(c, marks) == "":
			case title == "":
				parts = append(parts, c)
			default:
				parts = append(parts, capital(title)+" "+spoken(env, c))
			}
		}
		b.WriteString(env.Tf("%d of %d", n+1, len(rows)) + ". " + strings.Join(parts, ", ") + ".\n")
	}
	_, err := io.WriteString(env.Out, b.String())
	return err
}

// capital is a title of a column as a word.
func capital(title string) string {
	_, n := utf8.DecodeRuneInString(title)
	return title[:n] + strings.ToLower(title[n:])
}

// spoken is a cell in words: 3/4 is a part, not a slash.
func spoken(env *Env, cell string) string {
	a, of, ok := strings.Cut(cell, "/")
	n, err := strconv.Atoi(a)
	m, bad := strconv.Atoi(of)
	if !ok || err != nil || bad != nil {
		return cell
	}
	return env.Tf("%d of %d", n, m)
}

func writeTSV(w io.Writer, rows [][]string) error {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(strings.Join(r, "\t") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeTable aligns rows. The widest column gives way until a line fits.
func writeTable(env *Env, rows [][]string) error {
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			width[i] = max(width[i], ansi.StringWidth(c))
		}
	}
	const gap = 2
	for {
		total, widest := gap*(len(width)-1), 0
		for i, w := range width {
			total += w
			if w > width[widest] {
				widest = i
			}
		}
		if total <= env.Columns() || width[widest] <= 8 {
			break
		}
		width[widest] -= min(total-env.Columns(), width[widest]-8)
	}
	var b strings.Builder
	for n, r := range rows {
		var line strings.Builder
		for i, c := range r {
			c = ansi.Truncate(c, width[i], "…")
			line.WriteString(c)
			if i < len(r)-1 {
				line.WriteString(strings.Repeat(" ", width[i]-ansi.StringWidth(c)+gap))
			}
		}
		text := strings.TrimRight(line.String(), " ")
		if n == 0 && env.Colour() {
			text = "\x1b[1m" + text + "\x1b[m"
		}
		b.WriteString(text + "\n")
	}
	_, err := io.WriteString(env.Out, b.String())
	return err
}

// YesNo is a truth as a word, in English.
func YesNo(b bool) string {
	if b {
		return words.Mark("yes")
	}
	return words.Mark("no")
}
