//go:build unix

package lockfile

import "os"

// Replace gives the file from the name to, in the place of one that has it. Both
// lie in one folder, and nobody has from open.
func Replace(from, to string) error { return os.Rename(from, to) }

// ReadFile is os.ReadFile for a file that Replace may be replacing.
func ReadFile(name string) ([]byte, error) { return os.ReadFile(name) }
