// Package more is what the hub, its lab engine and the tools of authors say
// beside what cmh does, in the languages of package words: catalogues of their
// own, so that cmh needn't carry them.
package more

import (
	"embed"

	"github.com/cloudmastershub/cmh/words"
)

//go:embed po/*.po.gz
var files embed.FS

// Languages have the texts of both.
var Languages = words.With(files)
