package labs

// Abilities are the labels of package scenario that sandboxes of d can give.
// why says what keeps them from giving more, when something does.
func Abilities(d Driver) (can []string, why error) {
	can = []string{"linux"}
	if l, ok := d.(Linker); ok {
		if why = l.Linkable(); why == nil {
			can = append(can, "multi-host")
		}
	}
	return can, why
}
