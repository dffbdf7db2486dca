package scenario

func (r *reader) needs(s *Scenario) { s.Needs = []string{"linux"} }
