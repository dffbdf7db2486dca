// Package hub names the things CloudMastersHub is about (courses, lessons,
// labs, progress) and the errors every layer speaks. One hub.Course travels
// from a database row to a screen. It imports only the standard library, so
// any package may import it; storing, checking rights and drawing are left to
// others.
package hub

// Page is one page of a list.
type Page[T any] struct {
	Items []T
	Next  string // cursor of the next page; empty on the last one
}

// Paging asks for one page of a list.
type Paging struct {
	Limit  int    // 1 to 100; 0 means 30
	Cursor string // Page.Next of the page before; empty for the first
}
