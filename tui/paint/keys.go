package paint

import (
	"bytes"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// forRest is how long the rest of a sequence may take: afterwards an Escape was
// the key. Bubble Tea's own reader waits as long.
const forRest = uv.DefaultEscTimeout

// The longest sequence, which no answer is that we ask for, and the longest text
// that is pasted; more of it is dropped.
const (
	longest = 4 << 10
	pasted  = 1 << 20
)

// keys makes messages of what a terminal sends. The library's own reader does the
// same, and keeps a table of 60 kB for each terminal; what is in it the decoder
// knows too.
type keys struct {
	send func(tea.Msg)

	mu     sync.Mutex
	decode uv.EventDecoder
	typed  []byte      // and not understood yet
	seq    []byte      // what is being sent
	until  time.Time   // the rest of it may come
	timer  *time.Timer // for then, once there was something to wait for
	paste  []byte      // nil while nothing is pasted
}

// read takes what is typed until there is no more, and returns why.
func (k *keys) read(in io.Reader) error {
	defer k.caught()
	buf := make([]byte, 1024)
	for {
		n, err := in.Read(buf)
		k.take(buf[:n])
		if err != nil {
			k.end()
			return err
		}
	}
}

func (k *keys) take(b []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	goesOn := unended(k.typed) && !slices.ContainsFunc(b, ends)
	k.typed = append(k.typed, b...)
	if tooLong := len(k.typed) > longest; tooLong || !goesOn {
		k.scan(tooLong)
	}
	if len(k.typed) == 0 {
		return
	}
	k.until = time.Now().Add(forRest)
	if k.timer == nil {
		k.timer = time.AfterFunc(forRest, k.late)
	}
	k.timer.Reset(forRest)
}

// unended reports whether the beginning of a string is waited for, whose end is to
// be seen by one byte: all that has come is not looked at again for each that comes.
func unended(b []byte) bool {
	switch {
	case len(b) == 0:
		return false
	case b[0] == ansi.ESC:
		return len(b) > 2 && strings.IndexByte("]P_^X", b[1]) >= 0
	}
	return b[0] == ansi.OSC || b[0] == ansi.DCS || b[0] == ansi.APC || b[0] == ansi.PM || b[0] == ansi.SOS
}

func ends(c byte) bool {
	return c == ansi.ESC || c == ansi.BEL || c == ansi.ST || c == ansi.CAN || c == ansi.SUB
}

// late takes what was typed as it is, if nothing has followed it in time.
func (k *keys) late() {
	defer k.caught()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !time.Now().Before(k.until) {
		k.scan(true)
	}
}

// end takes what was typed as it is.
func (k *keys) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.scan(true)
}

// caught makes a panic one of the program's loop, which survives it: we may be in
// a process with others.
func (k *keys) caught() {
	if r := recover(); r != nil {
		k.send(crash(fmt.Sprintf("%v\n%s", r, debug.Stack())))
	}
}

// scan sends whatever can be told for sure, and with late the rest too.
func (k *keys) scan(late bool) {
	for len(k.typed) > 0 {
		n, event := k.first(k.typed)
		_, unknown := event.(uv.UnknownEvent)
		if !late && (unknown || n <= 2 && k.typed[0] == '\x1b') {
			return
		}
		seq := k.typed[:n]
		k.typed, k.seq = k.typed[n:], seq
		if k.paste != nil {
			k.pastes(event, seq)
			continue
		}
		if _, begins := event.(uv.PasteStartEvent); begins {
			k.paste = []byte{}
		}
		k.tell(event)
	}
	k.typed = nil // not kept for the next key, which may be far
}

// first is what b begins with. The decoder panics at some of what isn't a terminal's,
// and calls itself for each of many Escapes.
func (k *keys) first(b []byte) (n int, event uv.Event) {
	defer func() {
		if recover() != nil {
			n, event = 1, uv.UnknownEvent(b[:1])
		}
	}()
	if bytes.HasPrefix(b, []byte("\x1b\x1b\x1b")) {
		return 1, uv.KeyPressEvent{Code: uv.KeyEscape}
	}
	n, event = k.decode.Decode(b)
	return min(max(n, 1), len(b)), event
}

// tell sends an event, but not how large a screen is: that is not for typing. Of
// two things at most nobody knows which it was; more are a key that claims to
// have been pressed ten thousand times.
func (k *keys) tell(event uv.Event) {
	switch event := event.(type) {
	case nil, uv.WindowSizeEvent:
	case uv.MultiEvent:
		for _, e := range event[:min(len(event), 2)] {
			k.tell(e)
		}
	default:
		k.send(event)
	}
}

// pastes takes a part of what is pasted: text, and keys as the bytes they are.
func (k *keys) pastes(event uv.Event, seq []byte) {
	switch event := event.(type) {
	case uv.PasteEndEvent:
		k.send(uv.PasteEvent{Content: strings.ToValidUTF8(string(k.paste), "")})
		k.send(event)
		k.paste = nil
	case uv.KeyPressEvent:
		if event.Text != "" {
			seq = []byte(event.Text)
		}
		if len(k.paste)+len(seq) <= pasted {
			k.paste = append(k.paste, seq...)
		}
	}
}
