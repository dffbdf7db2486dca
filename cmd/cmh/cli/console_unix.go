//go:build unix

package cli

import "os"

// coloured has nothing to do: a terminal knows what colours are.
func coloured(*os.File) {}

func getenv(name string) string { return os.Getenv(name) }
