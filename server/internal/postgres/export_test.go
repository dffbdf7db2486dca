package postgres

// MergeGathered is the statement of Tx.MergeGathered, to be explained.
const MergeGathered = mergeGathered
