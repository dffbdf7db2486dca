package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/cli"
	"github.com/cloudmastershub/cmh/server"
)

// readyCommand is for those who look after a server and have no curl: an image
// with nothing in it but the programs.
func readyCommand(config configFunc) *cobra.Command {
	return &cobra.Command{
		Use:     "ready",
		Short:   "Ask the server on this machine whether it is ready; exit 0 when it is",
		Example: "  cmh-server ready && echo it serves",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config()
			if err != nil {
				return err
			}
			at, err := readyURL(cfg)
			if err != nil {
				return err
			}
			req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, at, nil)
			if err != nil {
				return err
			}
			// Whose certificate it is doesn't matter: nothing is said, and it is this machine.
			// With ACME it is shown to those who name the hub.
			name, _, _ := strings.Cut(cfg.ACMEHosts, ",")
			c := &http.Client{Timeout: 4 * time.Second, Transport: &http.Transport{
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, ServerName: strings.TrimSpace(name)},
			}}
			resp, err := c.Do(req)
			if err != nil {
				return hub.Wrap(err, hub.Unavailable, "no server answers at %s: %s", at, err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return hub.Errorf(hub.Unavailable, "it is not ready: %s", resp.Status)
			}
			return nil
		},
	}
}

// readyURL is where a server with this configuration answers to its own machine.
func readyURL(cfg server.Config) (string, error) {
	host, port, err := net.SplitHostPort(cfg.APIAddr)
	if cfg.APIAddr == "" {
		host, port, err = "127.0.0.1", "8080", nil
	}
	if err != nil || port == "0" {
		return "", hub.Errorf(hub.Invalid, "Set CMH_API_ADDR to where the server listens.")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http"
	if cfg.TLSCert != "" || cfg.ACMEHosts != "" {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port) + "/readyz", nil
}
