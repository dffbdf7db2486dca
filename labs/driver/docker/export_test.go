package docker

// StateKey is what the engine's things of that state folder are marked with.
var StateKey = stateKey
