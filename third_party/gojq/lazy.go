package gojq

import "sync"

// load makes the tables that upstream makes in init, once somebody compiles a
// query.
var load = sync.OnceFunc(func() {
	loadBuiltins()
	loadFunctions()
})
