package labssh

import (
	"os"

	"golang.org/x/sys/windows"
)

const utf8 = 65001

// draws has a console draw what a lab's programs print, as terminals do, and read
// what is typed as UTF-8, until restore. A console of before 2023 reads NUL for
// what isn't ASCII then (microsoft/terminal#4551), and no letter of UTF-8 else.
func draws(out *os.File) (restore func()) {
	console := windows.Handle(out.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return func() {} // what is printed goes elsewhere
	}
	_ = windows.SetConsoleMode(console, mode|windows.ENABLE_PROCESSED_OUTPUT|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING|windows.DISABLE_NEWLINE_AUTO_RETURN)
	page, err := windows.GetConsoleCP()
	if err == nil {
		err = windows.SetConsoleCP(utf8)
	}
	return func() {
		_ = windows.SetConsoleMode(console, mode)
		if err == nil {
			_ = windows.SetConsoleCP(page)
		}
	}
}
