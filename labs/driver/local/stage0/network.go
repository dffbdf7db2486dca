package stage0

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A sandbox looks like a machine on a network: eth0 has an address, and there
// is a default route, because labs read both from ip(8) and hostname(1). None
// of it leads anywhere. The device drops what it is given, and before the
// kernel looks at the routes a rule answers that everything beyond this machine
// is unreachable: at once, as without the routes, where a packet that got lost
// would have programs wait for minutes. The gateway is this machine itself, so
// that it answers a ping.
//
// A Link puts a real line in the device's place, and takes the rule away.
const (
	device = "eth0"
	// Fence is the priority of the rule.
	Fence = 1000
)

var (
	address = netip.MustParsePrefix("172.30.1.2/24")
	gateway = netip.MustParseAddr("172.30.1.1")
)

// Plausible gives the network namespace that the thread is in its eth0. A kernel without a device for it has
// sandboxes with lo alone.
func Plausible() error {
	s, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	k := kernel{socket: s}
	// ifb is for queueing; left alone it drops everything, as dummy does.
	for _, kind := range []string{"dummy", "ifb"} {
		err = k.ask(unix.RTM_NEWLINK, create|unix.NLM_F_EXCL, link(index, 0),
			attr(unix.IFLA_IFNAME, []byte(device+"\x00")), attr(unix.IFLA_LINKINFO, attr(unix.IFLA_INFO_KIND, []byte(kind))))
		if !errors.Is(err, unix.EOPNOTSUPP) {
			break
		}
	}
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the device: %w", err)
	}
	if err := k.furnish(); err != nil {
		return err
	}
	// It comes last: the kernel would not find the gateway through it.
	fence := binary.NativeEndian.AppendUint32([]byte{unix.AF_INET, 0, 0, 0, unix.RT_TABLE_MAIN, 0, 0, unix.FR_ACT_UNREACHABLE}, 0)
	err = k.ask(unix.RTM_NEWRULE, create|unix.NLM_F_EXCL, fence, attr(unix.FRA_PRIORITY, u32(Fence)))
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EAFNOSUPPORT) { // routes without a fence are worse than none
		err = k.ask(unix.RTM_DELLINK, 0, link(index, 0))
	}
	if err != nil {
		return fmt.Errorf("add the rule: %w", err)
	}
	return nil
}

const (
	// index is the device's number: the first after lo's.
	index = 2
	// noneByItself is IN6_ADDR_GEN_MODE_NONE of linux/if_link.h.
	noneByItself = 1
)

// furnish brings the device up, without IPv6, and gives it address and routes.
func (k kernel) furnish() error {
	noIPv6 := attr(unix.IFLA_AF_SPEC, attr(unix.AF_INET6, attr(unix.IFLA_INET6_ADDR_GEN_MODE, []byte{noneByItself})))
	err := k.ask(unix.RTM_SETLINK, 0, link(index, 0), noIPv6)
	if err != nil && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("keep IPv6 off: %w", err)
	}
	if err := k.ask(unix.RTM_SETLINK, 0, link(index, unix.IFF_UP)); err != nil {
		return fmt.Errorf("bring it up: %w", err)
	}
	own, last := address.Addr().AsSlice(), address.Masked().Addr().As4()
	last[3] = 255
	err = k.ask(unix.RTM_NEWADDR, create|unix.NLM_F_EXCL, binary.NativeEndian.AppendUint32([]byte{unix.AF_INET, byte(address.Bits()), 0, 0}, index),
		attr(unix.IFA_LOCAL, own), attr(unix.IFA_ADDRESS, own), attr(unix.IFA_BROADCAST, last[:]))
	if err != nil {
		return fmt.Errorf("give it an address: %w", err)
	}
	via := []byte{unix.AF_INET, 0, 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_BOOT, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST, 0, 0, 0, 0}
	err = k.ask(unix.RTM_NEWROUTE, create|unix.NLM_F_EXCL, via, attr(unix.RTA_GATEWAY, gateway.AsSlice()), attr(unix.RTA_OIF, u32(index)))
	if err != nil {
		return fmt.Errorf("add the default route: %w", err)
	}
	here := []byte{unix.AF_INET, 32, 0, 0, unix.RT_TABLE_LOCAL, unix.RTPROT_BOOT, unix.RT_SCOPE_HOST, unix.RTN_LOCAL, 0, 0, 0, 0}
	if err := k.ask(unix.RTM_NEWROUTE, create|unix.NLM_F_EXCL, here, attr(unix.RTA_DST, gateway.AsSlice()), attr(unix.RTA_OIF, u32(1))); err != nil {
		return fmt.Errorf("be the gateway: %w", err)
	}
	return nil
}

// A kernel is asked over a route socket. The netlink package that the driver
// uses would be half a megabyte on the way to every prompt.
type kernel struct{ socket int }

const create = unix.NLM_F_CREATE

// ask sends one request and waits for its answer.
func (k kernel) ask(what uint16, flags uint16, body []byte, attrs ...[]byte) error {
	for _, a := range attrs {
		body = append(body, a...)
	}
	msg := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	msg = binary.NativeEndian.AppendUint16(msg, what)
	msg = binary.NativeEndian.AppendUint16(msg, flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	msg = append(msg, make([]byte, 8)...) // sequence number and port: there is one question at a time
	if err := unix.Sendto(k.socket, append(msg, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	for {
		n, _, err := unix.Recvfrom(k.socket, answer, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR:
			return errors.New("the kernel's answer is none")
		}
		if code := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); code != 0 {
			return unix.Errno(-code)
		}
		return nil
	}
}

// link begins a request about the nth device.
func link(n int32, up uint32) []byte {
	b := binary.NativeEndian.AppendUint32(make([]byte, 4), uint32(n))
	b = binary.NativeEndian.AppendUint32(b, up)
	return binary.NativeEndian.AppendUint32(b, up) // which flags are meant
}

func attr(kind uint16, value []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), value...)
	return append(b, make([]byte, (4-len(value)%4)%4)...)
}

func u32(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }
