package words

import (
	"go/ast"
)

// spoken says whether all that people read in file must be in the catalogues.
func spoken(string) bool { return false }

func (s *source) look(string, *ast.File) {}
