package boot

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudmastershub/cmh/labs/agent/proto"
)

// apart is dock where the driver is out of reach: what it would have said lies
// in a file, and the socket is ours to make. It only ever returns an error.
func apart() error {
	// The runtime watches files through descriptors that it makes for the first of
	// them: not where the agent's are to be.
	for fd := 0; fd <= proto.BootFD; {
		var err error
		if fd, err = unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
			return err
		}
	}
	raw, err := os.ReadFile(proto.ApartFile)
	if err != nil {
		return err
	}
	if err := os.Remove(proto.ApartFile); err != nil { // before anybody is here to read it
		return err
	}
	var said proto.Apart
	if err := json.Unmarshal(raw, &said); err != nil {
		return fmt.Errorf("understand the driver: %w", err)
	}
	if len(said.Boot.Secret) == 0 {
		return errors.New("the driver says no secret")
	}
	l, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = errors.Join(unix.Bind(l, &unix.SockaddrUnix{Name: proto.ApartSocket}), unix.Listen(l, 128))
	}
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	boot, err := json.Marshal(said.Boot)
	if err != nil {
		return err
	}
	file, err := unix.MemfdCreate("boot", unix.MFD_CLOEXEC)
	if err == nil {
		_, err = unix.Write(file, boot)
	}
	if err != nil {
		return fmt.Errorf("make a memory file: %w", err)
	}
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	place := map[int]int{0: null, proto.ListenFD: l, proto.BootFD: file}
	for to, from := range place { // out of each other's way
		if place[to], err = unix.FcntlInt(uintptr(from), unix.F_DUPFD_CLOEXEC, high); err != nil {
			return err
		}
	}
	return become(said.Dock, place, proto.BootFD)
}

// dial is one connection to the agent: this process's streams. It ends with
// either side.
func dial() error {
	// Whoever could trace us would be in the middle.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return err
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Net: "unix", Name: proto.ApartSocket})
	if err != nil {
		return fmt.Errorf("reach the agent: %w", err)
	}
	spareThreads(4)
	ended := make(chan error, 2)
	go func() {
		_, err := io.Copy(conn, os.Stdin)
		ended <- err
	}()
	go func() {
		_, err := io.Copy(os.Stdout, conn)
		ended <- err
	}()
	return <-ended
}

// challenged is a listener whose connections are asked for a proof before they
// can be used.
type challenged struct {
	net.Listener
	secret []byte
}

func (l *challenged) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &asked{Conn: conn, secret: l.secret}
	c.proven = sync.OnceValue(c.ask)
	return c, nil
}

// asked is such a connection. Whoever uses it first waits for the proof: Accept
// must wait for nobody.
type asked struct {
	net.Conn
	secret []byte
	proven func() error
}

// askTime is how long one may take to answer.
const askTime = 10 * time.Second

func (c *asked) ask() error {
	err := func() error {
		nonce := make([]byte, proto.NonceSize)
		if _, err := rand.Read(nonce); err != nil {
			return err
		}
		if err := c.SetDeadline(time.Now().Add(askTime)); err != nil {
			return err
		}
		if _, err := c.Conn.Write(nonce); err != nil {
			return err
		}
		proof := make([]byte, proto.ProofSize)
		if _, err := io.ReadFull(c.Conn, proof); err != nil {
			return err
		}
		if !hmac.Equal(proof, proto.Proof(c.secret, nonce)) {
			return errors.New("that is no proof")
		}
		return c.SetDeadline(time.Time{})
	}()
	if err != nil {
		c.Close()
	}
	return err
}

func (c *asked) Read(p []byte) (int, error) {
	if err := c.proven(); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *asked) Write(p []byte) (int, error) {
	if err := c.proven(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// spareThreads has the runtime make threads that it keeps. Where the learner's
// processes count together with ours there may be none to be had later, and the
// runtime ends a program that it can't give a thread.
func spareThreads(spare int) {
	var all sync.WaitGroup
	all.Add(spare)
	for range spare {
		go func() {
			runtime.LockOSThread()
			all.Done()
			all.Wait()
			runtime.UnlockOSThread()
		}()
	}
	all.Wait()
}
