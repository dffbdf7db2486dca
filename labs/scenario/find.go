package scenario

import "io/fs"

// NoLicence stands in Scenario.Licence when the repository says nothing about
// rights.
const NoLicence = "none found"

func licence(fs.FS) string { return "" }
