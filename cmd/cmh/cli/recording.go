package cli

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Recordings is what `cmh lab share`, `watch`, `record`, `recordings` and
// `replay` need.
type Recordings interface {
	ShareLab(ctx context.Context, ref string, on bool) (hub.LabSharing, error)
	LabSharing(ctx context.Context, ref string) (hub.LabSharing, error)
	SharedLabs(ctx context.Context) ([]hub.SharedLab, error)
	WatchCertificate(ctx context.Context, session, publicKey string) (hub.SSHCertificate, error)
	RecordLab(ctx context.Context, ref string, on bool) (hub.LabRecording, error)
	LabRecording(ctx context.Context, ref string) (hub.LabRecording, error)
	Recordings(ctx context.Context) ([]hub.Recording, error)
	Recording(ctx context.Context, id string) ([]byte, error)
	RemoveRecording(ctx context.Context, id string) error
}
