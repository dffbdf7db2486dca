package main

// jobControl is what shells have that Windows has not.
func jobControl() bool { return false }
