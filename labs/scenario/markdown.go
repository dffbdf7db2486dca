package scenario

// normal is a page in normal form, with what was found in it.
type normal struct {
	text     string
	quiz     []Question
	ports    []int
	warnings []Warning // File is the caller's to fill in
	commands []string  // the runnable blocks and spans
}

func normalise(src string) normal { return normal{text: src} }
