package cli

import "github.com/cloudmastershub/cmh/tui/safe"

// Clean takes from s whatever a terminal would obey: text from a server, a
// course or a lab is shown, never executed. Line breaks and tabs stay.
func Clean(s string) string { return safe.Text(s) }

// CleanLine is Clean for one cell or one line: it has no line breaks.
func CleanLine(s string) string { return safe.Line(s) }
