package image

import (
	"os"
	"path/filepath"
)

// DefaultDir is where images are kept unless somebody says otherwise: they can
// be made anew.
func DefaultDir() string {
	if os.Geteuid() == 0 {
		return "/var/cache/cmh/images"
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = ".cache"
	}
	return filepath.Join(cache, "cmh", "images")
}
