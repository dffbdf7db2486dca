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
	"github.com/cloudmastershub/cmh/server"
)

// hashPasswords is how the server calls itself for a process that does nothing
// else. It is no command for people.
const hashPasswords = "hash-passwords"

func main() {
	if os.Getpid() == 1 && len(os.Args) > 1 && os.Args[1] == "serve" {
		os.Exit(asInit())
	}
	if len(os.Args) == 2 && os.Args[1] == hashPasswords {
		os.Exit(asHasher())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the program at once
	}()
	err := command().ExecuteContext(ctx)
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return
	}
	text := err.Error()
	if hub.CodeOf(err) != hub.Internal {
		text = hub.MessageOf(err) // it says it all; its cause is for programmers
	}
	fmt.Fprintln(os.Stderr, "cmh-server: "+text)
	if e, ok := errors.AsType[*hub.Error](err); ok {
		for _, f := range e.Fields {
			fmt.Fprintf(os.Stderr, "  %s: %s\n", strings.TrimPrefix(f.Pointer, "/"), f.Detail)
		}
	}
	os.Exit(1)
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
