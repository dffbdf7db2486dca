package gateway

import (
	"errors"
	"io"

	"charm.land/ssh"
	gossh "golang.org/x/crypto/ssh"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// serveForward is the handler of direct-tcpip ("ssh -L", "ssh -W"): only to
// the caller's own sandbox, and there only to its own ports and those of the
// other hosts of the lab. The agent connects, in the lab's network;
// no name or address is ever looked up or dialled from here.
func (g *Gateway) serveForward(_ *ssh.Server, conn *gossh.ServerConn, nc gossh.NewChannel, cctx ssh.Context) {
	p := peerOf(cctx)
	var d struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if gossh.Unmarshal(nc.ExtraData(), &d) != nil || d.Port == 0 || d.Port > 65535 || proto.ForwardsTo(d.Host) == nil {
		_ = nc.Reject(gossh.Prohibited, "only the lab's own ports can be forwarded, as localhost or as another of its hosts")
		return
	}
	if !p.open(&p.forwards, g.Limits.Forwards) {
		_ = nc.Reject(gossh.ResourceShortage, "too many forwarded connections")
		return
	}
	defer p.closed(&p.forwards)
	st := p.admit(cctx, conn)
	if st.refusal != "" {
		_ = nc.Reject(gossh.Prohibited, st.refusal)
		return
	}
	s := &session{g: g, peer: p, who: st.who, name: conn.User(), ctx: cctx}
	to, err := s.resolve()
	if err != nil {
		_ = nc.Reject(gossh.Prohibited, sayNoLab)
		return
	}
	if err := to.opens(Port, s.byNode()); err != nil {
		g.Log.InfoContext(cctx, "ssh door refused", "source", p.source, "door", Port, "err", err)
		_ = nc.Reject(gossh.Prohibited, sayNotOpen)
		return
	}
	id := to.Sandbox
	inner, err := g.lines.call(cctx, id, "direct-tcpip", nc.ExtraData())
	var refused *gossh.OpenChannelError
	switch {
	case errors.As(err, &refused):
		_ = nc.Reject(gossh.ConnectionFailed, "nothing listens on that port of the lab")
		return
	case err != nil:
		g.Log.WarnContext(cctx, "ssh forward", "source", p.source, "sandbox", id, "err", err)
		_ = nc.Reject(gossh.ConnectionFailed, sayUnreachable)
		return
	}
	defer inner.hangUp()
	go gossh.DiscardRequests(inner.replies)
	outer, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer outer.Close()
	go func() {
		_, _ = io.Copy(inner, outer)
		_ = inner.CloseWrite()
	}()
	go func() {
		drop(reqs) // until the client's channel closes
		inner.leave()
	}()
	_, _ = io.Copy(outer, inner)
	_ = outer.CloseWrite()
}
