package cli

import (
	"io"
	"strings"

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
		return writeSentences(env.Out, rows)
	}
	return writeTable(env, rows)
}

// writeSentences writes each row as a line, every cell behind the title of its
// column: what is read aloud has no columns.
func writeSentences(w io.Writer, rows [][]string) error {
	var b strings.Builder
	for _, r := range rows[1:] {
		var parts []string
		for i, c := range r {
			if title := rows[0][i]; c != "" && title != "" {
				parts = append(parts, title[:1]+strings.ToLower(title[1:])+" "+c)
			} else if c != "" {
				parts = append(parts, c)
			}
		}
		b.WriteString(strings.Join(parts, ", ") + ".\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
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
