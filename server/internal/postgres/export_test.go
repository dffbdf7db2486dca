package postgres

// The statements of Tx.ChangeGathered and Tx.MergeGathered, to be explained.
const (
	ChangeGathered = changeGathered
	MergeGathered  = mergeGathered
)
