package gateway

import "context"

// Look looks once, without waiting until it is time.
func (g *Gateway) Look(ctx context.Context) { g.look(ctx) }
