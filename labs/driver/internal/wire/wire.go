// Package wire joins the network namespaces of two sandboxes of this machine:
// a pair of virtual Ethernet devices, made inside of both. No end of it is ever
// in the host's, and there is no bridge, so nothing of the host can be reached
// over it and nothing is left when a namespace goes.
//
// Whose namespaces they are, and that they still are, is the driver's to know.
package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"

	nl "github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/driver/local/stage0"
)

// Possible returns why namespaces can't be joined here, or nil. It lays a line
// between two of its own, which end with it.
func Possible() error {
	if os.Geteuid() != 0 {
		// Each sandbox has a user namespace of its own, and nobody but root
		// has rights in two of them.
		return errors.New("only root can join sandboxes")
	}
	return aside(func() error {
		var ends [2]netns.NsHandle
		for i := range ends {
			// The thread is in it only until the next one is made, and ends
			// with this function.
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("make a network namespace: %w", err)
			}
			ns, err := netns.GetFromPath("/proc/thread-self/ns/net")
			if err != nil {
				return err
			}
			defer ns.Close()
			ends[i] = ns
		}
		return lay(ends, [2]string{"a", "b"})
	})
}

// Join is labs.Linker's Link. find opens the network namespace of a sandbox,
// which Join closes.
func Join(ctx context.Context, a, b labs.End, find func(id string) (netns.NsHandle, error)) error {
	ends := [2]labs.End{a, b}
	var at [2]netns.NsHandle
	for i, end := range ends {
		ns, err := find(end.ID)
		if err != nil {
			return fmt.Errorf("link %s and %s: %w", a.ID, b.ID, err)
		}
		defer ns.Close()
		at[i] = ns
	}
	err := aside(func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := lay(at, [2]string{a.Device, b.Device}); err != nil {
			return err
		}
		for i, end := range ends {
			if err := plug(at[i], end, ends[1-i]); err != nil {
				return fmt.Errorf("%s of %s: %w", end.Device, end.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("link %s and %s: %w", a.ID, b.ID, err)
	}
	return nil
}

// Furnish gives a sandbox that stands alone a network to look at, as stage 0
// does for those that it makes.
func Furnish(at netns.NsHandle) error {
	return aside(func() error {
		if err := netns.Set(at); err != nil {
			return fmt.Errorf("enter the network namespace: %w", err)
		}
		return stage0.Plausible()
	})
}

// lay makes a pair of devices across two namespaces, in place of devices that
// have their names.
func lay(at [2]netns.NsHandle, names [2]string) error {
	for i := range at {
		err := within(at[i], func(h *nl.Handle) error {
			old, err := h.LinkByName(names[i])
			if errors.As(err, &nl.LinkNotFoundError{}) {
				return nil
			}
			if err != nil {
				return err
			}
			return h.LinkDel(old) // and with it its other end
		})
		if err != nil {
			return fmt.Errorf("remove the old %s: %w", names[i], err)
		}
	}
	return within(at[0], func(h *nl.Handle) error {
		pair := nl.NewVeth(nl.LinkAttrs{Name: names[0], TxQLen: -1})
		pair.PeerName, pair.PeerNamespace = names[1], nl.NsFd(at[1])
		if err := h.LinkAdd(pair); err != nil {
			return fmt.Errorf("make a pair of devices: %w", err)
		}
		return nil
	})
}

// plug gives one end of a pair its address and the way to the other, which is
// all that it leads to.
func plug(at netns.NsHandle, own, other labs.End) error {
	return within(at, func(h *nl.Handle) error {
		if err := unfence(h); err != nil {
			return err
		}
		dev, err := h.LinkByName(own.Device)
		if err != nil {
			return err
		}
		// IPv4 only: no address of the other kind comes by itself.
		if err := h.LinkSetIP6AddrGenMode(dev, noIPv6); err != nil && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EOPNOTSUPP) {
			return fmt.Errorf("keep IPv6 off: %w", err)
		}
		addr := &nl.Addr{IPNet: only(own), Peer: only(other)}
		if err := h.AddrAdd(dev, addr); err != nil {
			return fmt.Errorf("give it %s: %w", own.Addr, err)
		}
		return h.LinkSetUp(dev)
	})
}

// unfence takes away what keeps a sandbox that stands alone to itself. Its
// routes went with the device that the line replaces.
func unfence(h *nl.Handle) error {
	rules, err := h.RuleList(unix.AF_INET)
	if err != nil {
		return fmt.Errorf("read the rules: %w", err)
	}
	for _, r := range rules {
		if r.Priority != stage0.Fence {
			continue
		}
		if err := h.RuleDel(&r); err != nil {
			return fmt.Errorf("take the rule away: %w", err)
		}
	}
	return nil
}

// noIPv6 is IN6_ADDR_GEN_MODE_NONE of linux/if_link.h.
const noIPv6 = 1

func only(e labs.End) *net.IPNet {
	bits := e.Addr.BitLen()
	return &net.IPNet{IP: e.Addr.AsSlice(), Mask: net.CIDRMask(bits, bits)}
}

// within talks to the kernel about one network namespace.
func within(at netns.NsHandle, do func(*nl.Handle) error) error {
	h, err := nl.NewHandleAt(at, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("enter the network namespace: %w", err)
	}
	defer h.Close()
	return do(h)
}

// aside runs do on a thread that is thrown away afterwards: whatever network
// namespace it was left in, nobody else runs there.
func aside(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- aside(do) // as in birth.run
			runtime.UnlockOSThread()
			return
		}
		done <- do() // never unlocked: the thread ends with us
	}()
	return <-done
}
