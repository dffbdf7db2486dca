// Package apart has Markdown drawn by another process, so that a program which
// seldom shows any doesn't start with a parser of it in its memory
// (docs/adr/0054-markdown-beside-cmh.md). The two speak JSON over a pair of pipes,
// a text and its drawing at a time, for as long as either lives.
package apart

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/cloudmastershub/cmh/tui/markdown"
	"github.com/cloudmastershub/cmh/tui/safe"
)

// asked is a text to draw, and drawn is what became of it.
type asked struct {
	Src     string
	Options markdown.Options
}

type drawn struct {
	Text     string
	Blocks   []markdown.Block
	Headings []markdown.Heading
}

// Serve draws what in asks for, until it ends.
func Serve(in io.Reader, out io.Writer, draw markdown.Drawer) error {
	questions, w := json.NewDecoder(bufio.NewReader(in)), bufio.NewWriter(out)
	answers := json.NewEncoder(w)
	for {
		var q asked
		switch err := questions.Decode(&q); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		var a drawn
		a.Text, a.Blocks, a.Headings = draw.Outline(q.Src, q.Options)
		if err := errors.Join(answers.Encode(a), w.Flush()); err != nil {
			return err
		}
	}
}

// Beside draws by what start starts, once it is first asked to. Where nothing can
// be started, or what was has ended, texts stay as they are, and the first line
// says why.
func Beside(start func() (io.ReadWriter, error)) markdown.Drawer {
	p := &peer{start: start}
	return p.draw
}

type peer struct {
	start func() (io.ReadWriter, error)

	mu      sync.Mutex // one text at a time
	begun   bool
	failed  error
	ask     *json.Encoder
	answers *json.Decoder
}

func (p *peer) draw(src string, o markdown.Options) (string, []markdown.Block, []markdown.Heading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var a drawn
	if p.failed == nil {
		p.failed = p.drawn(asked{src, o}, &a)
	}
	if p.failed != nil {
		return markdown.Plain(p.failed.Error()+"\n\n"+src, o), nil, nil
	}
	return safe.Styled(a.Text), a.Blocks, a.Headings // filtered before, as long as it is our program
}

func (p *peer) drawn(q asked, a *drawn) error {
	if !p.begun {
		with, err := p.start()
		if err != nil {
			return err
		}
		p.begun, p.ask, p.answers = true, json.NewEncoder(with), json.NewDecoder(bufio.NewReader(with))
	}
	if err := p.ask.Encode(q); err != nil {
		return err
	}
	return p.answers.Decode(a)
}
