package app

// common: see passwords below.
func common(password, username, email string) bool { return false }
