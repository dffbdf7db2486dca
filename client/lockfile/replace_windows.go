package lockfile

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// Replace gives the file from the name to, in the place of one that has it. Both
// lie in one folder, and nobody has from open. Windows replaces nothing that
// somebody is reading, so it waits for readers, two seconds at most.
func Replace(from, to string) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for range 100 {
		err := os.Rename(from, to)
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		<-again.C
	}
	return os.Rename(from, to)
}
