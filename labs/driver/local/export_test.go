package local

// Frozen is what a snapshot does to a sandbox's disk.
var Frozen = frozen
