package cert

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Whatever names are made of, the frame is straight and the image is XML.
func TestDrawings(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Ada", "王小明 👩‍👩‍👧", "</text><script>alert(1)</script>", "\x1b[2J\x00\u202ebad", strings.Repeat("long ", 40)} {
		c := hub.Certificate{ID: "aaaa-bbbb-cccc-dddd", Name: name, Title: name, IssuedAt: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC), URL: "https://hub.example/certificates/x"}
		var b bytes.Buffer
		text(&b, c)
		rows := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
		for _, row := range rows {
			if ansi.StringWidth(row) != ansi.StringWidth(rows[0]) || strings.ContainsAny(row, "\x1b\x00\u202e") {
				t.Errorf("%q in %q", row, rows[0])
			}
		}
		b.Reset()
		svg(&b, c)
		elements := 0
		for d := xml.NewDecoder(&b); ; {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := tok.(xml.StartElement); ok {
				if elements++; e.Name.Local == "script" {
					t.Error("a name became an element")
				}
			}
		}
		if elements != 1+3+8 {
			t.Errorf("%d elements", elements)
		}
	}
}
