package labssh

import (
	"os"
	"sync"

	xwindows "github.com/charmbracelet/x/windows"
	"github.com/muesli/cancelreader"
	"golang.org/x/sys/windows"
)

// A console is read in its records: as bytes, those of before 2023 have NUL for what
// isn't ASCII (microsoft/terminal#4551), and a read that waits for bytes can't be
// ended, and takes a key for nobody.
type console struct {
	in   windows.Handle
	stop windows.Handle // an event: nobody reads any more

	mu    sync.Mutex // held by who reads
	keys  presses
	typed []byte
	over  bool
}

func readKeys(in *os.File) (cancelreader.CancelReader, error) {
	stop, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return nil, err
	}
	return &console{in: windows.Handle(in.Fd()), stop: stop}, nil
}

func (c *console) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.typed) == 0 {
		if c.over {
			return 0, cancelreader.ErrCanceled
		}
		which, err := windows.WaitForMultipleObjects([]windows.Handle{c.stop, c.in}, false, windows.INFINITE)
		if err != nil {
			return 0, err
		}
		if which == windows.WAIT_OBJECT_0 {
			return 0, cancelreader.ErrCanceled
		}
		if err := c.take(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.typed)
	c.typed = c.typed[n:]
	return n, nil
}

// take takes what is there.
func (c *console) take() error {
	var records [64]xwindows.InputRecord
	var n uint32
	if err := xwindows.ReadConsoleInput(c.in, &records[0], uint32(len(records)), &n); err != nil {
		return err
	}
	for _, r := range records[:n] {
		if r.EventType == xwindows.KEY_EVENT {
			k := r.KeyEvent()
			ctrl := k.ControlKeyState&(xwindows.LEFT_CTRL_PRESSED|xwindows.RIGHT_CTRL_PRESSED) != 0
			c.typed = c.keys.add(c.typed, press{down: k.KeyDown, ctrl: ctrl, key: k.VirtualKeyCode, unit: uint16(k.Char), times: k.RepeatCount})
		}
	}
	return nil
}

func (c *console) Cancel() bool { return windows.SetEvent(c.stop) == nil }

// Close waits for who reads, whom Cancel has ended.
func (c *console) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over, c.typed = true, nil
	return windows.CloseHandle(c.stop)
}

// draws has a console draw what a lab's programs print, as terminals do, until
// restore.
func draws(out *os.File) (restore func()) {
	console := windows.Handle(out.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return func() {} // what is printed goes elsewhere
	}
	_ = windows.SetConsoleMode(console, mode|windows.ENABLE_PROCESSED_OUTPUT|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING|windows.DISABLE_NEWLINE_AUTO_RETURN)
	return func() { _ = windows.SetConsoleMode(console, mode) }
}
