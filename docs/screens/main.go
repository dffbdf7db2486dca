// Command screens runs a program in a terminal of its own, types what it is
// told to, and writes what the terminal shows as an SVG. The pictures of the
// README are made with it; it knows nothing of what it pictures.
//
// With -cast it also records what the program prints, in the format of asciinema,
// for players; then -o may be left out.
//
//	go run ./docs/screens -o home.svg -size 96x28 -do 'see:Welcome' -do key:2 -- bin/cmh
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image/color"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// patience is how long one action may wait for its text.
const patience = 20 * time.Second

func main() {
	var (
		out   = flag.String("o", "", "the SVG `file` to write")
		size  = flag.String("size", "80x24", "columns and rows")
		title = flag.String("title", "", "text of the window's title bar")
		rec   = flag.String("cast", "", "the asciicast `file` to write")
		do    actions
	)
	flag.Var(&do, "do", "an `action`: see:TEXT waits for a text, key:NAME presses a key, ctrl:KEY presses one with Ctrl, type:TEXT types")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out, *rec, *size, *title, do, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "screens:", err)
		os.Exit(1)
	}
}

type actions []string

func (a *actions) String() string     { return strings.Join(*a, " ") }
func (a *actions) Set(s string) error { *a = append(*a, s); return nil }

func run(ctx context.Context, out, rec, size, title string, do []string, argv []string) error {
	var cols, rows int
	if _, err := fmt.Sscanf(size, "%dx%d", &cols, &rows); err != nil || out == "" && rec == "" || len(argv) == 0 {
		return errors.New("usage: screens -o FILE [-cast FILE] [-size 80x24] [-do ACTION]... -- COMMAND")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		return err
	}
	defer func() { _ = tty.Close(); cancel(); _ = cmd.Wait() }()

	screen := vt.NewSafeEmulator(cols, rows)
	drawn := make(chan struct{}, 1)
	took := newTape(cols, rows, title)
	go func() { // ends when the program's terminal closes
		buf := make([]byte, 32<<10)
		for {
			n, err := tty.Read(buf)
			_, _ = screen.Write(buf[:n])
			took.add(buf[:n])
			select {
			case drawn <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	go func() { _, _ = io.Copy(tty, screen) }() // answers to what the program asks its terminal

	for _, action := range do {
		if err := act(ctx, tty, screen, drawn, action); err != nil {
			return err
		}
	}
	quiet(ctx, drawn)
	if rec != "" {
		if err := took.save(rec); err != nil {
			return err
		}
	}
	if out == "" {
		return nil
	}
	return os.WriteFile(out, []byte(svg(screen, cols, rows, title)), 0o644)
}

var keys = map[string]string{
	"enter": "\r", "esc": "\x1b", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "tab": "\t", "space": " ", "pgdown": "\x1b[6~",
}

func act(ctx context.Context, tty io.Writer, screen *vt.SafeEmulator, drawn <-chan struct{}, action string) error {
	verb, arg, _ := strings.Cut(action, ":")
	switch verb {
	case "see":
		late := time.After(patience)
		for !strings.Contains(text(screen), arg) {
			select {
			case <-drawn:
			case <-late:
				return fmt.Errorf("%q never appeared; the screen shows:\n%s", arg, text(screen))
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	case "key":
		if k, ok := keys[arg]; ok {
			arg = k
		}
		_, err := io.WriteString(tty, arg)
		quiet(ctx, drawn)
		return err
	case "ctrl":
		_, err := tty.Write([]byte{arg[0] & 0x1f})
		quiet(ctx, drawn)
		return err
	case "type":
		_, err := io.WriteString(tty, strings.ReplaceAll(arg, `\n`, "\r"))
		quiet(ctx, drawn)
		return err
	}
	return fmt.Errorf("%q is not an action", action)
}

// quiet waits until nothing was drawn for a while.
func quiet(ctx context.Context, drawn <-chan struct{}) {
	for {
		select {
		case <-drawn:
		case <-time.After(400 * time.Millisecond):
			return
		case <-ctx.Done():
			return
		}
	}
}

func text(screen *vt.SafeEmulator) string {
	var b strings.Builder
	for y := range screen.Height() {
		for x := 0; x < screen.Width(); {
			c := screen.CellAt(x, y)
			if c == nil || c.Content == "" {
				b.WriteByte(' ')
				x++
				continue
			}
			b.WriteString(c.Content)
			x += max(1, c.Width)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// The cell of a usual monospaced font at 14 px, and a palette that reads well
// on both of the themes a README is shown in.
const (
	cellW, cellH = 8.43, 18.0
	pad          = 14.0
	bar          = 30.0
	ground       = "#16181d"
	ink          = "#d8dbe2"
)

var ansi16 = [16]string{
	"#2b2f38", "#e5707a", "#8fc47e", "#e0b46c", "#74a7ea", "#c38be0", "#66bfc4", "#c9ccd4",
	"#757c8a", "#f08a93", "#a7d798", "#efcb8d", "#93bdf3", "#d3a6ec", "#86d3d7", "#ffffff",
}

func svg(screen *vt.SafeEmulator, cols, rows int, title string) string {
	w, h := float64(cols)*cellW+2*pad, float64(rows)*cellH+2*pad+bar
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14">`+"\n", w, h, w, h)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", ground)
	for i, c := range []string{"#e5707a", "#e0b46c", "#8fc47e"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="16" r="5" fill="%s"/>`, 20+i*18, c)
	}
	fmt.Fprintf(&b, `<text x="%.0f" y="20" text-anchor="middle" fill="#757c8a" font-size="12">%s</text>`+"\n", w/2, escape(title))
	for y := range rows {
		top := pad + bar + float64(y)*cellH
		for x := 0; x < cols; {
			c := screen.CellAt(x, y)
			if c == nil {
				x++
				continue
			}
			run, end := c.Content, x+max(1, c.Width)
			for end < cols && c.Width == 1 {
				n := screen.CellAt(end, y)
				if n == nil || n.Width != 1 || !n.Style.Equal(&c.Style) {
					break
				}
				run += n.Content
				end++
			}
			span(&b, run, c.Style, pad+float64(x)*cellW, top, float64(end-x)*cellW)
			x = end
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func span(b *strings.Builder, run string, s uv.Style, x, top, width float64) {
	fg, bg := hex(s.Fg, ink), hex(s.Bg, "")
	if s.Attrs&uv.AttrReverse != 0 {
		fg, bg = either(bg, ground), fg
	}
	if bg != "" {
		fmt.Fprintf(b, `<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" fill="%s"/>`, x, top, width, cellH, bg)
	}
	if strings.TrimSpace(run) == "" {
		return
	}
	style := ""
	if s.Attrs&uv.AttrBold != 0 {
		style += ` font-weight="700"`
	}
	if s.Attrs&uv.AttrItalic != 0 {
		style += ` font-style="italic"`
	}
	if s.Attrs&uv.AttrFaint != 0 {
		style += ` opacity="0.6"`
	}
	if s.Underline != 0 {
		style += ` text-decoration="underline"`
	}
	fmt.Fprintf(b, `<text x="%.2f" y="%.2f" fill="%s" textLength="%.2f" lengthAdjust="spacingAndGlyphs" xml:space="preserve"%s>%s</text>`+"\n",
		x, top+13.5, fg, width, style, escape(run))
}

func hex(c color.Color, none string) string {
	if c == nil {
		return none
	}
	if i, ok := index(c); ok {
		return ansi16[i]
	}
	r, g, bl, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, bl>>8)
}

// index reports which of the sixteen colours c is.
func index(c color.Color) (int, bool) {
	for i := range 16 {
		if c == color.Color(ansi.BasicColor(i)) {
			return i, true
		}
	}
	return 0, false
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
