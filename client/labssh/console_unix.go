//go:build unix

package labssh

import (
	"os"

	"github.com/muesli/cancelreader"
)

func readKeys(in *os.File) (cancelreader.CancelReader, error) { return cancelreader.NewReader(in) }

// draws has nothing to do: a terminal draws what a lab's programs print.
func draws(*os.File) (restore func()) { return func() {} }
