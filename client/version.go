package client

// What this build is. The Makefile sets them when linking.
var (
	Version = "0.0.0-dev" // semantic version
	Commit  = "unknown"
	Date    = "" // of the commit, RFC 3339
)
