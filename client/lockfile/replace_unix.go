//go:build unix

package lockfile

import "os"

// Replace gives the file from the name to, in the place of one that has it. Both
// lie in one folder, and nobody has from open.
func Replace(from, to string) error { return os.Rename(from, to) }
