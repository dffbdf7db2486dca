package labssh

// resizes never tells: Windows has no signal for it.
func resizes() (changed <-chan struct{}, stop func()) { return nil, func() {} }
