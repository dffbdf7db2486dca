// Show runs the screens over the demo hub, to look at them:
//
//	go run ./tui/testdata/demo/show [-guest] [-offline] [-away]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/tui"
	"github.com/cloudmastershub/cmh/tui/markdown/draw"
	"github.com/cloudmastershub/cmh/tui/testdata/demo"
	"github.com/cloudmastershub/cmh/tui/theme"
)

func main() {
	guest := flag.Bool("guest", false, "nobody is signed in")
	offline := flag.Bool("offline", false, "nothing can be reached")
	away := flag.Bool("away", false, "nothing can be reached, and something is kept")
	flag.Parse()
	h := &demo.Hub{User: demo.Ana}
	if *guest {
		h.User = hub.User{}
	}
	if *offline {
		h.Err = hub.Errorf(hub.Unavailable, "Could not reach CloudMastersHub at 127.0.0.1:8080.")
	}
	shell := func(context.Context, hub.LabSession, theme.Look) func() error { return echo }
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	defer stop()
	var b tui.Backend = h
	if *away {
		b = h.Busy().Away()
	}
	if err := tui.Run(ctx, b, tui.Options{Shell: shell, Suspend: true, Pages: draw.Outline}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(130)
	}
}

// echo stands for a shell: it ends at the first key.
func echo() error {
	fmt.Fprint(os.Stdout, "root@lab:~# (enter leaves)")
	_, err := os.Stdin.Read(make([]byte, 1))
	return err
}
