package postgres

// The statements of Tx.ChangeGathered and Tx.MergeGathered, to be explained.
const (
	ChangeGathered = changeGathered
	MergeGathered  = mergeGathered
)

// The statements of Tx.Courses with a query, to be explained.
var (
	ListByQuery      = listByQuery
	ListByQueryShown = listByQueryShown
)
