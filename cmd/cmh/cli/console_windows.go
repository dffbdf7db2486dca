package cli

import (
	"os"

	"golang.org/x/sys/windows"
)

// coloured has a console take colours for what they are, as terminals do. Whoever
// starts programs in one sets it to their own liking before each.
func coloured(f *os.File) {
	var mode uint32
	if windows.GetConsoleMode(windows.Handle(f.Fd()), &mode) == nil {
		_ = windows.SetConsoleMode(windows.Handle(f.Fd()), mode|windows.ENABLE_PROCESSED_OUTPUT|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING)
	}
}

// getenv is the environment, with the language in it that the learner has chosen
// for Windows where they ask for no other.
func getenv(name string) string {
	v := os.Getenv(name)
	if name == "LANG" && v == "" {
		if all, err := windows.GetUserPreferredUILanguages(windows.MUI_LANGUAGE_NAME); err == nil && len(all) > 0 {
			return all[0]
		}
	}
	return v
}
