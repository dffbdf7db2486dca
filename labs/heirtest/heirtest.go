// Package heirtest ends what a killed test leaves. Sandboxes outlive whoever
// made them, on purpose, and a test that is killed, interrupted or out of time
// cleans nothing up: its fork bombs would go on, and nobody would find them.
//
// So a test names its folders to an heir, a small process beside it that waits
// for its end. Where the test has removed them by then, there is nothing to do.
package heirtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cloudmastershub/cmh/labs"
	"github.com/cloudmastershub/cmh/labs/agent/proto"
	"github.com/cloudmastershub/cmh/labs/driver/local"
	"github.com/cloudmastershub/cmh/labs/image"
)

// role, when set to heir, makes this program the heir. Programs that a test
// starts see it set to testator: they have none of their own, so that they
// may be killed, and what they leave looked at.
const (
	role     = "CMH_TEST_HEIR"
	heir     = "heir"
	testator = "testator"
)

// born is what this program was started as.
var born = os.Getenv(role)

// An init, so that no package that uses sandboxes in its tests can leave it out.
func init() {
	if born == heir {
		inherit(os.Stdin)
		os.Exit(0)
	}
}

// will is where the heir is told of folders. It ends with us.
var will = sync.OnceValues(func() (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	cmd := exec.CommandContext(context.Background(), "/proc/self/exe")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), role + "=" + heir}
	cmd.Dir = "/"
	cmd.Stdin = read
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // keys and kills of a group pass it by
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	// It outlives us, so there is nobody to wait for it.
	return write, errors.Join(cmd.Process.Release(), os.Setenv(role, testator))
})

// Leave makes everything below folder end with this process, however that
// ends: the sandboxes of the local driver's states, and processes that name
// the folder in their arguments or their environment. The folder goes last.
func Leave(t testing.TB, folder string) {
	t.Helper()
	if born == testator {
		return
	}
	to, err := will()
	if err == nil {
		_, err = to.WriteString(folder + "\n")
	}
	if err != nil {
		t.Fatalf("name an heir: %v", err)
	}
}

// inherit waits until the other end of the will is closed.
func inherit(will io.Reader) {
	var folders []string
	for lines := bufio.NewScanner(will); lines.Scan(); {
		if filepath.IsAbs(lines.Text()) && !slices.Contains(folders, lines.Text()) {
			folders = append(folders, lines.Text())
		}
	}
	for _, f := range folders {
		if _, err := os.Stat(f); err == nil {
			end(f)
			clearStates(f)
		} else if local.Remains(f) { // a test that failed removed its folder first
			clearState(f)
		} else {
			continue
		}
		_ = os.RemoveAll(f)
		_ = os.Remove(filepath.Dir(f)) // that of the test, when this was the last in it
	}
}

// end asks the processes that name the folder to end, and then makes them. A
// server ends its database in that time.
func end(folder string) {
	ask := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for all := naming(folder); len(all) > 0; all = naming(folder) {
		sig := syscall.SIGTERM
		if time.Now().After(ask) {
			sig = syscall.SIGKILL
		}
		for _, pid := range all {
			_ = syscall.Kill(pid, sig)
		}
		if sig == syscall.SIGKILL {
			return
		}
		<-tick.C
	}
}

// naming lists the processes that name the folder, and those below them.
func naming(folder string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() || pid == 1 {
			continue
		}
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(dir, "environ"))
		if bytes.Contains(args, []byte(folder)) || bytes.Contains(env, []byte(folder)) {
			pids = append(append(pids, pid), below(pid)...)
		}
	}
	return pids
}

func below(pid int) (pids []int) {
	tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, f := range tasks {
		raw, _ := os.ReadFile(f)
		for _, word := range strings.Fields(string(raw)) {
			if n, err := strconv.Atoi(word); err == nil {
				pids = append(append(pids, n), below(n)...)
			}
		}
	}
	return pids
}

// clearStates clears each state of the local driver's in folder.
func clearStates(folder string) {
	_ = filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() || !local.IsState(path) {
			return nil //nolint:nilerr // what can't be read holds no state
		}
		clearState(path)
		return fs.SkipDir
	})
}

// clearState destroys the sandboxes of a state as the driver does it: no
// program of an agent's is started for that, and no image looked at.
func clearState(state string) {
	killAgents(state)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	store, err := os.MkdirTemp("", "cmh-heir-")
	if err != nil {
		return
	}
	defer os.RemoveAll(store)
	images, err := image.Open(store)
	if err != nil {
		return
	}
	if d, err := local.Open(ctx, local.Config{State: state, Images: images, Agent: "/proc/self/exe"}); err == nil {
		_ = labs.Clear(ctx, d)
		_ = d.Close()
	}
}

// killAgents ends what the records name, and with each its sandbox: a driver
// that a test broke on purpose may not be able to.
func killAgents(state string) {
	records, _ := filepath.Glob(filepath.Join(state, "*", "record.json"))
	for _, file := range records {
		raw, _ := os.ReadFile(file)
		var rec struct{ PID int }
		if json.Unmarshal(raw, &rec) != nil || rec.PID < 2 {
			continue
		}
		args, _ := os.ReadFile("/proc/" + strconv.Itoa(rec.PID) + "/cmdline")
		if bytes.HasPrefix(args, []byte(proto.InitName)) { // and not whoever has its number now
			_ = syscall.Kill(rec.PID, syscall.SIGKILL)
		}
	}
}
