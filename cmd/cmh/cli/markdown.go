package cli

import (
	"context"
	"io"
	"strings"

	"github.com/cloudmastershub/cmh/tui/markdown"
)

// longLine is where a paragraph becomes hard to read, however wide the
// terminal.
const longLine = 100

// Markdown draws src the way the caller can see it: styled on a terminal, plain
// elsewhere.
func (e *Env) Markdown(src string) string {
	if e.ForHumans() && e.Accessible() {
		text, _ := e.Pages.Draw(src, markdown.Options{Width: 1000, Unfold: true, Linear: true, Words: e.Words()})
		return text + "\n"
	}
	colour := e.Colour() && !e.Plain
	text, _ := e.Pages.Draw(src, markdown.Options{
		Width: min(e.Columns(), longLine), Styled: colour, Color: colour, Links: colour, Unfold: true, Words: e.Words(),
	})
	return text + "\n"
}

// Read shows a long text: through a pager where somebody sits at a terminal and
// it does not fit, else as it is.
func (e *Env) Read(ctx context.Context, text string) error {
	if !e.ForHumans() || e.Accessible() || !e.Interactive() || e.Page == nil || strings.Count(text, "\n") < screenful {
		_, err := io.WriteString(e.Out, text)
		return err
	}
	w, err := e.Page(ctx)
	if err != nil {
		_, err = io.WriteString(e.Out, text)
		return err
	}
	_, _ = io.WriteString(w, text) // who leaves the pager early has read enough
	return w.Close()
}

// screenful is a text that may need a pager. The pager itself prints what fits.
const screenful = 20
