package server

import (
	"os"
	"runtime"
)

// heapFloor is how much a small server may allocate between two collections.
const heapFloor = 64 << 20

// spaceOut lets garbage be collected less often while the server is small. Go
// does so whenever the heap has doubled, and ours of a few megabytes doubles many
// times a second in a crowd: an eighth of the time went there. So it is given a
// block that nobody touches, which is no memory of the machine's: the heap is
// never counted as smaller. What the operator says of the heap goes before.
func spaceOut() (done func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	floor := make([]byte, heapFloor)
	return func() { runtime.KeepAlive(&floor[0]) }
}
