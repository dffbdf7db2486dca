package lockfile

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

const pause = 20 * time.Millisecond

// Replace gives the file from the name to, in the place of one that has it. Both
// lie in one folder, and nobody has from open. Windows replaces nothing that
// somebody is reading, so it waits for readers, two seconds at most.
func Replace(from, to string) error {
	return patiently(100, func() error { return os.Rename(from, to) })
}

// ReadFile is os.ReadFile for a file that Replace may be replacing: at that moment
// Windows opens it for nobody. It waits half a second, because a file that nobody
// may read looks the same.
func ReadFile(name string) (content []byte, err error) {
	err = patiently(25, func() (err error) {
		content, err = os.ReadFile(name)
		return err
	})
	return content, err
}

// patiently does it again, a number of times, while another process is in the way.
func patiently(times int, do func() error) error {
	again := time.NewTicker(pause)
	defer again.Stop()
	for range times {
		err := do()
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		<-again.C
	}
	return do()
}
