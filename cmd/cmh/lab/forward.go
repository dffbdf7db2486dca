package lab

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/client/labssh"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
)

// Forwarded is one port of this machine's that leads to one of the lab's.
type Forwarded struct {
	Local  string `json:"local"` // address
	Remote int    `json:"remote"`
}

func forwardCmd(env *cli.Env) *cobra.Command {
	var at place
	cmd := &cobra.Command{
		Use:   "port-forward [REF] [LOCAL:]REMOTE...",
		Short: "Reach ports of a lab on this machine",
		Long: "Reach ports of a lab on this machine, until Ctrl-C: what connects to port LOCAL of 127.0.0.1 is handed to port REMOTE of the lab. LOCAL is " +
			"the same number when absent, and any free port when it is 0 or already taken and wasn't asked for. Nobody else's machine can use it.\n" + refHelp,
		Example: "  cmh lab port-forward 8080\n  cmh lab port-forward log-triage 9000:80 5432 --host node01",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return hub.Errorf(hub.Invalid, "REMOTE is missing. Usage: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := at.check(); err != nil {
				return err
			}
			var ref []string
			if _, _, ok := ports(args[0]); !ok && len(args) > 1 {
				ref, args = args[:1], args[1:]
			}
			b, name, err := backendAndSession(cmd.Context(), env, ref)
			if err != nil {
				return err
			}
			var listeners []net.Listener
			defer func() {
				for _, l := range listeners {
					l.Close()
				}
			}()
			var all []Forwarded
			for _, arg := range args {
				local, remote, ok := ports(arg)
				if !ok {
					return hub.Errorf(hub.Invalid, "%q is no port: use REMOTE or LOCAL:REMOTE, from 1 to 65535.", arg)
				}
				l, err := listenHere(cmd.Context(), local, remote)
				if err != nil {
					return err
				}
				listeners = append(listeners, l)
				all = append(all, Forwarded{l.Addr().String(), remote})
			}
			if err := cli.Print(env, all, func(w io.Writer) {
				for _, f := range all {
					env.Fprintf(w, "%s leads to port %d of the lab.\n", f.Local, f.Remote)
				}
			}); err != nil {
				return err
			}
			g, ctx := errgroup.WithContext(cmd.Context())
			for i, l := range listeners {
				g.Go(func() error {
					return labssh.Forward(ctx, at.certify(b, name), l, strconv.Itoa(all[i].Remote), func(s string) { env.Say("%s", env.Words().Told(s)) })
				})
			}
			return ended(env, 0, g.Wait())
		},
	}
	hostFlag(cmd, &at)
	return cmd
}

// Forward begins to hand what connects to a port of this machine to port of the
// lab, as port-forward does, and returns that address. It ends with ctx; ended
// is called then.
func Forward(ctx context.Context, certify labssh.Certify, port int, say func(string), ended func()) (string, error) {
	l, err := listenHere(ctx, -1, port)
	if err != nil {
		ended()
		return "", err
	}
	go func() {
		defer ended()
		if err := labssh.Forward(ctx, certify, l, strconv.Itoa(port), say); err != nil && ctx.Err() == nil {
			say(hub.MessageOf(err))
		}
	}()
	return l.Addr().String(), nil
}

// ports reads REMOTE or LOCAL:REMOTE. A local port of -1 is any, by preference
// the same.
func ports(s string) (local, remote int, ok bool) {
	here, there, both := strings.Cut(s, ":")
	if !both {
		here, there = "-1", s
	}
	local, err := strconv.Atoi(here)
	remote, err2 := strconv.Atoi(there)
	return local, remote, errors.Join(err, err2) == nil && local <= 65535 && (local >= 0 || !both) && remote >= 1 && remote <= 65535
}

// listenHere takes a port of this machine's own address, which no other machine
// reaches.
func listenHere(ctx context.Context, local, remote int) (net.Listener, error) {
	any := local < 0
	if any {
		local = remote
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(local)))
	if err != nil && any {
		l, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, hub.Wrap(err, hub.Conflict, "Port %d of this machine can't be had. Name another one: OTHER:%d", local, remote)
	}
	return l, nil
}
