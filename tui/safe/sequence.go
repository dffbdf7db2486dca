package safe

import "strings"

type kind int

const (
	other kind = iota // not for the screen
	style
	link
	linkEnd
)

const (
	resetStyle = "\x1b[m"
	closeLink  = "\x1b]8;;\x1b\\"

	// longest bounds a sequence; no honest one comes near.
	longest = 4096
)

// sequence reads the escape sequence that s begins with. It returns the form
// to write, when kind is one that may be written, and how many bytes of s it
// took. A sequence that has no end takes only its ESC, so that it cannot
// swallow the text behind it.
func sequence(s string) (string, kind, int) {
	if len(s) < 2 {
		return "", other, 1
	}
	switch c := s[1]; c {
	case '[':
		return csi(s)
	case ']', 'P', 'X', '^', '_': // OSC, DCS, SOS, PM, APC
		body, n, ok := stringSequence(s)
		if !ok {
			return "", other, 1
		}
		if c == ']' && strings.HasPrefix(body, "8;") {
			return hyperlink(body[2:], n)
		}
		return "", other, n
	default:
		if c >= 0x20 && c <= 0x2f { // ESC with intermediates, such as a charset switch
			for i := 2; i < len(s) && i < 8; i++ {
				if s[i] >= 0x30 && s[i] <= 0x7e {
					return "", other, i + 1
				}
				if s[i] < 0x20 || s[i] > 0x2f {
					break
				}
			}
			return "", other, 1
		}
		if c >= 0x30 && c <= 0x7e {
			return "", other, 2
		}
		return "", other, 1
	}
}

// csi reads a control sequence and lets only select graphic rendition through.
func csi(s string) (string, kind, int) {
	i := 2
	for i < len(s) && s[i] >= 0x20 && s[i] <= 0x3f && i < longest {
		i++
	}
	if i >= len(s) || s[i] < 0x40 || s[i] > 0x7e {
		return "", other, 1
	}
	params := s[2:i]
	if s[i] != 'm' || len(params) > 64 || strings.Trim(params, "0123456789;:") != "" || conceals(params) {
		return "", other, i + 1
	}
	if strings.Trim(params, "0;") == "" {
		return resetStyle, style, i + 1
	}
	return s[:i+1], style, i + 1
}

// conceals reports whether SGR params hide the text after them. The numbers
// that belong to a colour (38;5;8) do not count.
func conceals(params string) bool {
	p := strings.Split(params, ";")
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case "38", "48", "58":
			if i+1 < len(p) {
				switch p[i+1] {
				case "5":
					i += 2
				case "2":
					i += 4
				}
			}
		default:
			if strings.TrimLeft(p[i], "0") == "8" || strings.HasPrefix(p[i], "8:") {
				return true
			}
		}
	}
	return false
}

// stringSequence finds the end (BEL or ST) of a sequence that carries a string.
func stringSequence(s string) (body string, n int, ok bool) {
	for i := 2; i < len(s) && i < longest; i++ {
		switch s[i] {
		case '\a':
			return s[2:i], i + 1, true
		case '\x1b':
			if i+1 < len(s) && s[i+1] == '\\' {
				return s[2:i], i + 2, true
			}
			return "", 0, false
		}
	}
	return "", 0, false
}

// hyperlink reads the part of an OSC 8 after "8;": parameters and an address.
func hyperlink(body string, n int) (string, kind, int) {
	params, address, ok := strings.Cut(body, ";")
	switch {
	case !ok:
		return "", other, n
	case address == "":
		return closeLink, linkEnd, n
	case !Link(address) || len(params) > 128:
		return closeLink, linkEnd, n // what follows must not belong to a link before it
	}
	for i := range len(params) {
		c := params[i]
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !word && strings.IndexByte("=:_-.", c) < 0 {
			params = ""
			break
		}
	}
	return "\x1b]8;" + params + ";" + address + "\x1b\\", link, n
}

// Link reports whether address may be made clickable: http or https, with a
// host, of visible ASCII only.
func Link(address string) bool {
	if len(address) > 2048 {
		return false
	}
	for i := range len(address) {
		if address[i] <= 0x20 || address[i] >= 0x7f {
			return false
		}
	}
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || rest == "" || rest[0] == '/' {
		return false
	}
	return strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")
}
