package local

// Frozen is what a snapshot does to a sandbox's disk.
var Frozen = frozen

// CopyDisk is how it copies one.
var CopyDisk = copyDisk

// Cgroups are the folders that d's sandboxes share.
func (d *Driver) Cgroups() (shared []string) {
	for _, parent := range d.groups.parents {
		shared = append(shared, parent, parent+agentsSuffix)
	}
	return shared
}
