package paint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/colorprofile"
)

// BenchmarkFrame is one word that changes on a page of text.
func BenchmarkFrame(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		for _, from := range []string{"text", "nothing"} {
			b.Run(fmt.Sprintf("%dx%d/from %s", size[0], size[1], from), func(b *testing.B) {
				line := "\x1b[35m▸\x1b[m " + strings.Repeat("some words ", size[0]/11) + "\n"
				page := strings.Repeat(line, size[1]-2)
				p := &Program{o: Options{Env: []string{"TERM=xterm-256color"}, Colours: colorprofile.ANSI256}, columns: size[0], rows: size[1], known: from == "text"}
				b.ReportAllocs()
				for n := range b.N {
					text := fmt.Sprint(page, n)
					_ = p.frame(text)
					p.shown = text
				}
			})
		}
	}
}
