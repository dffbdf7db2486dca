package gateway

import (
	"io"

	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/words"
)

// A Recorder takes what a shell prints, and how large its terminal is. It holds
// nobody up.
type Recorder interface {
	io.WriteCloser
	Resize(columns, rows int)
}

// record asks whether the shell that is about to begin is recorded, and tells
// the agent's side what the learner is to know. before holds the client's
// requests so far.
func (s *session) record(id string, before []*gossh.Request) (Recorder, string) {
	var p ptyRequest
	for _, b := range before {
		switch b.Type {
		case "pty-req":
			_ = gossh.Unmarshal(b.Payload, &p)
		case "window-change":
			p.Cols, p.Rows = windowSize(b.Payload)
		}
	}
	if p.Cols == 0 {
		return nil, "" // no terminal, no recording
	}
	rec, notice, err := s.g.Sandboxes.Record(s.ctx, id, p.Term, int(p.Cols), int(p.Rows))
	if err != nil {
		s.g.Log.WarnContext(s.ctx, "ssh session not recorded", append(s.log, "sandbox", id, "err", err)...)
		return nil, words.Kept("This shell could not be recorded.")
	}
	return rec, notice
}
