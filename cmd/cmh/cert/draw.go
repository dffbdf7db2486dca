package cert

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

func date(c hub.Certificate) string { return c.IssuedAt.UTC().Format(time.DateOnly) }

// lines are what a certificate says, from the top.
func lines(c hub.Certificate) []string {
	all := []string{
		"CloudMastersHub", "This certifies that", cli.CleanLine(c.Name), "has completed the course", cli.CleanLine(c.Title),
		"on " + c.IssuedAt.UTC().Format("2 January 2006"), "Certificate " + cli.CleanLine(c.ID),
	}
	if c.URL != "" {
		all = append(all, cli.CleanLine(c.URL))
	}
	return all
}

// text draws a frame of at least 60 columns, and of what the longest line asks
// for.
func text(w io.Writer, c hub.Certificate) {
	all, width := lines(c), 60
	for _, l := range all {
		width = max(width, ansi.StringWidth(l)+4)
	}
	rule := "+" + strings.Repeat("-", width) + "+\n"
	blank := "|" + strings.Repeat(" ", width) + "|\n"
	_, _ = io.WriteString(w, rule+blank)
	for _, l := range all {
		left := (width - ansi.StringWidth(l)) / 2
		right := width - ansi.StringWidth(l) - left
		_, _ = io.WriteString(w, "|"+strings.Repeat(" ", left)+l+strings.Repeat(" ", right)+"|\n"+blank)
	}
	_, _ = io.WriteString(w, rule)
}

// svg draws the same on a sheet of A4, lying.
func svg(w io.Writer, c hub.Certificate) {
	sizes := []int{28, 20, 44, 20, 36, 20, 14, 14}
	_, _ = io.WriteString(w, `<svg xmlns="http://www.w3.org/2000/svg" width="297mm" height="210mm" viewBox="0 0 1188 840" font-family="Georgia, serif" text-anchor="middle" fill="#1a1a2e">
<rect width="1188" height="840" fill="#fff"/>
<rect x="30" y="30" width="1128" height="780" fill="none" stroke="#1a1a2e" stroke-width="3"/>
<rect x="42" y="42" width="1104" height="756" fill="none" stroke="#1a1a2e"/>
`)
	y := 100
	for i, l := range lines(c) {
		y += sizes[i] + 48
		fit := ""
		if len([]rune(l))*sizes[i] > 2000 { // about as wide as the sheet
			fit = ` textLength="1060" lengthAdjust="spacingAndGlyphs"`
		}
		_, _ = fmt.Fprintf(w, `<text x="594" y="%d" font-size="%d"%s>`, y, sizes[i], fit)
		_ = xml.EscapeText(w, []byte(l))
		_, _ = io.WriteString(w, "</text>\n")
	}
	_, _ = io.WriteString(w, "</svg>\n")
}
