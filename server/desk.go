package server

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/cmd/cmh/lab"
	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/server/internal/app"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
	"github.com/cloudmastershub/cmh/tui/safe"
	"github.com/cloudmastershub/cmh/tui/widget"
	"github.com/cloudmastershub/cmh/words/more"
)

// Bounds of what an answer may be, beside the line's own.
const (
	maxWords  = 16
	maxPrint  = 192 << 10 // of either stream
	widestAsk = 500       // columns
)

// newDesk answers what learners ask from inside their labs: the commands of
// package lab that are for there, by the rules and in the name of whoever the
// session belongs to.
func newDesk(a *app.App, driver labs.Driver) *labs.Desk {
	return &labs.Desk{Driver: driver, Answer: func(ctx context.Context, session string, ask proto.Ask) proto.Reply {
		if _, ok := more.Languages.In(ask.Language); !ok {
			ask.Language = a.LabLanguage(ctx, session)
		}
		return answerAsk(ctx, session, ask, func() (cli.Backend, error) {
			as, err := a.LabLearner(ctx, session)
			return as, err
		})
	}}
}

// answerAsk runs one command that somebody inside typed.
func answerAsk(ctx context.Context, session string, ask proto.Ask, backend func() (cli.Backend, error)) proto.Reply {
	args, err := typed(ask.Args)
	if err != nil {
		say, _ := more.Languages.In(ask.Language)
		return proto.Reply{Status: cli.ExitUsage, Err: "lab: " + widget.Said(say, err) + "\n"}
	}
	var out, errs printed
	env := &cli.Env{
		In: strings.NewReader(""), Out: &out, Err: &errs, OutTTY: ask.Columns > 0, Width: min(ask.Columns, widestAsk),
		Shared: true, Backend: backend, Pages: draw.Outline, Languages: more.Languages, Language: func() string { return ask.Language },
	}
	if env.Color = "never"; ask.Colour {
		env.Color = "always"
	}
	status := cli.Run(ctx, lab.Inside(env, session), env, args)
	return proto.Reply{Status: status, Out: asInside(out.String()), Err: asInside(errs.String())}
}

// typed is what a program inside says was typed.
func typed(args []string) ([]string, error) {
	if len(args) > maxWords {
		return nil, hub.Errorf(hub.Invalid, "Those are too many words.")
	}
	for _, w := range args {
		if w != safe.Text(w) {
			return nil, hub.Errorf(hub.Invalid, "There is a character in it that can't be typed.")
		}
	}
	return append([]string{}, args...), nil
}

// outside is how messages name a command that inside is shorter, with the
// session or the lab where that ends the line.
var outside = regexp.MustCompile(`(?m)\bcmh lab (check|hint|answer|next|solution|skip|extend)\b( [a-z0-9][a-z0-9-]*$)?`)

// asInside is text of ours as it is true inside of a lab, with nothing in it that
// a terminal would obey but colours.
func asInside(s string) string {
	s = outside.ReplaceAllString(s, "lab $1")
	if rest, ok := strings.CutPrefix(s, "cmh: "); ok {
		s = "lab: " + rest
	}
	return safe.Styled(s)
}

// printed is what a command prints, to a bound.
type printed struct{ bytes.Buffer }

var errTooLong = errors.New("the answer is too long")

func (p *printed) Write(b []byte) (int, error) {
	if p.Len()+len(b) > maxPrint {
		return 0, errTooLong
	}
	return p.Buffer.Write(b)
}
