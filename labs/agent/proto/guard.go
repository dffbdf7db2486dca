package proto

// Remember is a method of Request. Its params are Relied; what those files are
// now is as good for later checks as what Accept says, since nobody but the
// lab's author could change them yet. It is announced without any when the
// sandbox is new; else it has no effect, and it has one once.
const Remember = "remember"

// Relied is a file that a check relies on: the interpreter, a tool it calls, a
// library of either. What a name stands for is found out as the system would.
type Relied struct {
	Name string `json:"name"`          // a word to look for on PATH, or an absolute path
	Lib  bool   `json:"lib,omitempty"` // Name is what a program calls a library
	// Accept is what it may be. Empty: there must be no such file.
	Accept []File `json:"accept,omitempty"`
}

// File is a file by its place, with all links followed, and its content.
type File struct {
	Path string `json:"path"`
	Sum  string `json:"sum"` // SHA-256 in hexadecimal
}
