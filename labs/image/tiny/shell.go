package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// shell is sh and bash: -c, a script, standard input, or a prompt. It has no
// job control; Ctrl-C ends what runs in front, the shell goes on.
func shell(ctx context.Context, args []string) int {
	var line string
	command, name := false, "sh"
	params := []string{}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") && len(args[0]) > 1 {
		switch arg := args[0]; {
		case arg == "--":
		case strings.HasSuffix(arg, "c"):
			command = true
			params = append(params, letters(arg[1:len(arg)-1])...)
		case strings.HasPrefix(arg, "--"): // --login, --norc and so on
		default:
			params = append(params, letters(arg[1:])...)
		}
		args = args[1:]
	}
	if command {
		if len(args) == 0 {
			fmt.Fprintln(os.Stderr, "sh: -c needs a command")
			return 2
		}
		line, args = args[0], args[1:]
	}
	script := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
		if !command {
			script = name
		}
	}
	r, err := interp.New(
		interp.StdIO(os.Stdin, os.Stdout, os.Stderr),
		interp.Params(append(append(params, "--"), args...)...),
		interp.CallHandler(adapt),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sh:", err)
		return 2
	}
	var src io.Reader = os.Stdin
	switch {
	case command:
		src = strings.NewReader(line)
	case script != "":
		f, err := os.Open(script)
		if err != nil {
			fmt.Fprintln(os.Stderr, "sh:", err)
			return 127
		}
		defer f.Close()
		src = f
	case term.IsTerminal(0):
		return converse(ctx, r)
	}
	prog, err := syntax.NewParser().Parse(src, name)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sh:", err)
		return 2
	}
	return statusOf(r.Run(ctx, prog))
}

// letters are the options that the interpreter knows, each by itself.
func letters(arg string) (opts []string) {
	for _, c := range arg {
		if strings.ContainsRune("aefnux", c) {
			opts = append(opts, "-"+string(c))
		}
	}
	return opts
}

func statusOf(err error) int {
	if err == nil {
		return 0
	}
	var s interp.ExitStatus
	if errors.As(err, &s) {
		return int(s)
	}
	if errors.Is(err, context.Canceled) {
		return 128 + int(syscall.SIGINT)
	}
	fmt.Fprintln(os.Stderr, "sh:", err)
	return 1
}

// adapt leaves out what has no meaning without job control and a history.
func adapt(_ context.Context, args []string) ([]string, error) {
	switch args[0] {
	case "set":
		kept := args[:1:1]
		for _, a := range args[1:] {
			if a != "-m" && a != "+m" {
				kept = append(kept, a)
			}
		}
		return kept, nil
	case "history", "jobs", "umask", "ulimit":
		return []string{"true"}, nil
	}
	return args, nil
}

// converse is the shell at a terminal.
func converse(ctx context.Context, r *interp.Runner) int {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, syscall.SIGINT)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTSTP, syscall.SIGQUIT, syscall.SIGTTOU, syscall.SIGTTIN)
	parser := syntax.NewParser()
	lines := newLineReader(r, parser)
	last, exited := 0, false
	for {
		err := parser.Interactive(lines, func(stmts []*syntax.Stmt) bool {
			if parser.Incomplete() {
				return true
			}
			last, exited = line(ctx, r, stmts, interrupts)
			return !exited
		})
		if exited || lines.ended || err == nil {
			return last
		}
		fmt.Fprintln(os.Stderr, "sh:", err)
		last, lines.rest = 2, nil
		parser = syntax.NewParser()
		lines.parser = parser
	}
}

// line runs what one line says until it ends or Ctrl-C comes.
func line(ctx context.Context, r *interp.Runner, stmts []*syntax.Stmt, interrupts chan os.Signal) (last int, exited bool) {
	select {
	case <-interrupts: // what ended the program in front of the last line
	default:
	}
	ctx, cancel := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	defer watcher.Wait()
	defer cancel()
	watcher.Go(func() {
		select {
		case <-interrupts:
			cancel()
		case <-ctx.Done():
		}
	})
	for _, stmt := range stmts {
		last = statusOf(r.Run(ctx, stmt))
		if ctx.Err() != nil { // which counts as an exit, too
			fmt.Fprintln(os.Stdout)
			return 128 + int(syscall.SIGINT), false
		}
		if r.Exited() {
			return last, true
		}
	}
	return last, false
}

// A lineReader gives the parser what the learner types, a line at a time. The
// terminal is only ours while one is read.
type lineReader struct {
	runner *interp.Runner
	parser *syntax.Parser
	term   *term.Terminal
	rest   []byte
	ended  bool
}

func newLineReader(r *interp.Runner, p *syntax.Parser) *lineReader {
	type stream struct {
		io.Reader
		io.Writer
	}
	return &lineReader{runner: r, parser: p, term: term.NewTerminal(stream{keys{os.Stdin}, os.Stdout}, "")}
}

// keys turns Ctrl-C into what clears the line.
type keys struct{ in io.Reader }

func (k keys) Read(p []byte) (int, error) {
	n, err := k.in.Read(p)
	for i, c := range p[:max(n, 0)] {
		if c == 3 { // Ctrl-C
			p[i] = 21 // Ctrl-U
		}
	}
	return n, err
}

func (l *lineReader) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		line, err := l.line()
		if err != nil {
			l.ended = true
			return 0, io.EOF
		}
		l.rest = []byte(line + "\n")
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

func (l *lineReader) line() (string, error) {
	if l.parser.Incomplete() {
		l.term.SetPrompt("> ")
	} else {
		l.term.SetPrompt(l.prompt())
	}
	old, err := unix.IoctlGetTermios(0, unix.TCGETS)
	if err != nil {
		return "", err
	}
	// Without canonical lines but with signals is how a line editor looks to
	// whoever waits for a prompt; only Ctrl-C and its kin are keys now.
	edit := *old
	edit.Iflag &^= unix.ICRNL | unix.INLCR | unix.IXON
	edit.Lflag &^= unix.ICANON | unix.ECHO | unix.ECHONL | unix.IEXTEN
	edit.Cc[unix.VMIN], edit.Cc[unix.VTIME] = 1, 0
	edit.Cc[unix.VINTR], edit.Cc[unix.VQUIT], edit.Cc[unix.VSUSP] = 0, 0, 0
	if err := unix.IoctlSetTermios(0, unix.TCSETSW, &edit); err != nil {
		return "", err
	}
	defer func() { _ = unix.IoctlSetTermios(0, unix.TCSETSW, old) }()
	if w, h, err := term.GetSize(0); err == nil && w > 0 && h > 0 {
		_ = l.term.SetSize(w, h)
	}
	line, err := l.term.ReadLine()
	if errors.Is(err, term.ErrPasteIndicator) {
		err = nil
	}
	return line, err
}

// prompt is user, host and folder, as on the larger images.
func (l *lineReader) prompt() string {
	host, _ := os.Hostname()
	dir, sign, who := l.runner.Dir, "$", "learner"
	if os.Geteuid() == 0 {
		sign, who = "#", "root"
	}
	if home := os.Getenv("HOME"); home != "" && (dir == home || strings.HasPrefix(dir, home+"/")) {
		dir = "~" + strings.TrimPrefix(dir, home)
	}
	return fmt.Sprintf("%s@%s:%s%s ", who, host, dir, sign)
}
