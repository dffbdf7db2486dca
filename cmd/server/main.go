// Cmh-server is the hub in one program: API, SSH gateway, labs and background
// work. This package turns flags, environment and a file into a configuration;
// package server does the rest.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // learners' time zones, also where the host has none

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/server"
	"github.com/cloudmastershub/cmh/words/more"
)

// How the server calls itself for a process that does nothing else. They are no
// commands for people.
const (
	hashPasswords = "hash-passwords"
	formJSON      = "form-json"
)

func main() {
	if os.Getpid() == 1 && len(os.Args) > 1 && os.Args[1] == "serve" {
		os.Exit(asInit())
	}
	if len(os.Args) == 2 && os.Args[1] == hashPasswords {
		os.Exit(asHasher())
	}
	if len(os.Args) == 2 && os.Args[1] == formJSON {
		os.Exit(server.FormJSON(os.Stdin, os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the program at once
	}()
	env := environment()
	err := command(env).ExecuteContext(ctx)
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return
	}
	report(env, err)
	os.Exit(1)
}

// environment is what the operator's commands share with cmh's: streams, and the
// language that they are spoken in.
func environment() *cli.Env {
	env := cli.Process()
	env.Languages = more.Languages
	env.Language = func() string { return env.Var("CMH_LANGUAGE") }
	return env
}

// report says what went wrong, as far as it can in the operator's language: what the
// system says stays as it is.
func report(env *cli.Env, err error) {
	say := env.Words()
	e, ok := errors.AsType[*hub.Error](err)
	if !ok || e.Code == hub.Internal {
		fmt.Fprintln(env.Err, "cmh-server: "+say.Told(err.Error()))
		return
	}
	format, args := e.Format() // it says it all; its cause is for programmers
	fmt.Fprintln(env.Err, "cmh-server: "+say.Said(e.Message, format, args...))
	for _, f := range e.Fields {
		format, args := f.Format()
		fmt.Fprintf(env.Err, "  %s: %s\n", strings.TrimPrefix(f.Pointer, "/"), say.Said(f.Detail, format, args...))
	}
}

// asHasher ends with its input, which its server closes: what is for both of them,
// such as the end of a service, is for the server to see to.
func asHasher() int {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	if err := server.HashPasswords(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cmh-server:", err)
		return 1
	}
	return 0
}
