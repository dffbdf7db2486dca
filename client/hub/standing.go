package hub

import "time"

// Standing is how a program that goes on without the hub stands with it.
type Standing struct {
	Away  bool      // it could not be reached when it was last asked, or is not to be asked
	AsOf  time.Time // when the oldest of what is shown instead was last confirmed; zero when nothing is
	Waits int       // changes that it hasn't heard of, as far as is known
	Told  int       // changes made without it that it has been told since the program began
}
