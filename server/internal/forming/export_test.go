package forming

import "time"

// ErrUnread is why a process ends whose reader takes too little.
var ErrUnread = errUnread

// MostOne is how many may be at work for one visitor.
const MostOne = mostOne

// Turn sets how long one waits for a place of f.
func Turn(f *Forms, d time.Duration) { f.turn = d }

// Patience sets how long a process of f may write.
func Patience(f *Forms, d time.Duration) { f.patience = d }

// Most is how many may be at work.
func Most(f *Forms) int { return f.most }
