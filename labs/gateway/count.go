package gateway

// Count is how many clients are connected, and how many sessions they have.
func (g *Gateway) Count() (connections, sessions int) {
	g.door.mu.Lock()
	connections = len(g.door.peers)
	g.door.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	return connections, len(g.sessions)
}
