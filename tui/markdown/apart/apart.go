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
	"time"

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

const (
	drawFor  = 5 * time.Second // far more than the slowest text that is known takes
	mostEnds = 3
)

// Beside draws by what start starts, once it is first asked to; closing that ends
// it. Where nothing can be started, or what was has ended or takes too long, the
// text stays as it is, and its first line says why. The next one is drawn by
// another, unless that has failed three times running.
func Beside(start func() (io.ReadWriteCloser, error)) markdown.Drawer {
	p := &peer{start: start}
	return p.draw
}

type peer struct {
	start func() (io.ReadWriteCloser, error)

	mu      sync.Mutex         // one text at a time
	with    io.ReadWriteCloser // nil: to be started
	ask     *json.Encoder
	answers *json.Decoder
	ends    int // since something was last drawn
	failed  error
}

func (p *peer) draw(src string, o markdown.Options) (string, []markdown.Block, []markdown.Heading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var a drawn
	if p.ends < mostEnds {
		p.failed = p.drawn(asked{src, o}, &a)
		p.ends++
	}
	if p.failed != nil {
		why := p.failed.Error()
		if errors.Is(p.failed, errEnded) {
			why = o.Words.T("The program that draws texts has failed. This one is as it was written.")
		}
		return markdown.Plain(why+"\n\n"+src, o), nil, nil
	}
	p.ends = 0
	return safe.Styled(a.Text), a.Blocks, a.Headings // filtered before, as long as it is our program
}

var errEnded = errors.New("ended, or too slow")

func (p *peer) drawn(q asked, a *drawn) error {
	if p.with == nil {
		with, err := p.start()
		if err != nil {
			return err
		}
		p.with, p.ask, p.answers = with, json.NewEncoder(with), json.NewDecoder(bufio.NewReader(with))
	}
	with := p.with
	late := time.AfterFunc(drawFor, func() { _ = with.Close() })
	err := p.ask.Encode(q)
	if err == nil {
		err = p.answers.Decode(a)
	}
	if !late.Stop() || err != nil {
		_ = with.Close()
		p.with = nil
	}
	if err != nil {
		return errEnded
	}
	return nil
}
