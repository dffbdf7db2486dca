package labs_test

import (
	"testing"

	"github.com/cloudmastershub/cmh/labs"
)

func TestOldRuntimesAreTold(t *testing.T) {
	t.Parallel()
	for version, old := range map[string]bool{
		"1.1.5+ds1": true, "runc version 1.1.5+ds1\ncommit: 1.1.5": true, "1.0.3": true, "0.1.1": true, "": true, "yes": true, "1.2": true, "-1.-2.3": true,
		"1.2.7": true, "1.2.8": false, "1.2.10": false, "1.3.5": true, "1.3.6": false, "1.3.6-rc.1": true, "1.4.0": true, "1.4.2": true,
		"1.4.3": false, "v1.4.3": false, "runc version 1.5.2\nspec: 1.2.1": false, "1.5.0-rc.1": false, "2.0.0": false,
	} {
		if got := labs.RuncIsOld(version); got != old {
			t.Errorf("%q is old: %v", version, got)
		}
	}
}
