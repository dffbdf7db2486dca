package paint

import (
	"io"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
)

// forRest is how long the rest of a sequence may take: afterwards an Escape was
// the key. Bubble Tea's own reader waits as long.
const forRest = uv.DefaultEscTimeout

// The longest sequence, and the longest text that is pasted; more of it is dropped.
const (
	longest = 64 << 10
	pasted  = 1 << 20
)

// keys makes messages of what a terminal sends. The library's own reader does the
// same, and keeps a table of 60 kB for each terminal; what is in it the decoder
// knows too.
type keys struct {
	send func(tea.Msg)

	mu     sync.Mutex
	decode uv.EventDecoder
	typed  []byte    // and not understood yet
	until  time.Time // the rest of it may come
	paste  []byte    // nil while nothing is pasted
}

// read takes what is typed until there is no more.
func (k *keys) read(in io.Reader) {
	buf := make([]byte, 1024)
	for {
		n, err := in.Read(buf)
		k.take(buf[:n])
		if err != nil {
			k.late(time.Time{})
			return
		}
	}
}

func (k *keys) take(b []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.typed = append(k.typed, b...)
	k.scan(len(k.typed) > longest)
	if len(k.typed) == 0 {
		return
	}
	until := time.Now().Add(forRest)
	k.until = until
	time.AfterFunc(forRest, func() { k.late(until) })
}

// late takes what was typed as it is, if nothing has come since until was said; the
// zero time is later than all.
func (k *keys) late(until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if until.IsZero() || until.Equal(k.until) {
		k.scan(true)
	}
}

// scan sends whatever can be told for sure, and with late the rest too.
func (k *keys) scan(late bool) {
	for len(k.typed) > 0 {
		n, event := k.decode.Decode(k.typed)
		n = max(n, 1)
		_, unknown := event.(uv.UnknownEvent)
		if !late && (unknown || n <= 2 && k.typed[0] == '\x1b') {
			return
		}
		seq := k.typed[:n]
		k.typed = k.typed[n:]
		if k.paste != nil {
			k.pastes(event, seq)
			continue
		}
		switch event := event.(type) {
		case uv.MultiEvent:
			for _, e := range event {
				k.send(e)
			}
		case uv.PasteStartEvent:
			k.paste = []byte{}
			k.send(event)
		case nil:
		default:
			k.send(event)
		}
	}
	k.typed = nil // not kept for the next key, which may be far
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
