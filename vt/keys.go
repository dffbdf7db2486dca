package vt

import "strings"

// Keystrokes are the bytes of keys that are written as ^C, ^ESC or plain letters.
func Keystrokes(s string) string {
	s = strings.NewReplacer("^ESC", "\x1b", "^ENTER", "\r", "^TAB", "\t").Replace(s)
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '^' && i+1 < len(s) && s[i+1]&0x5f >= '@' && s[i+1]&0x5f <= '_' {
			i++
			b.WriteByte(s[i] & 0x1f)
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
