package place

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"sort"

	"golang.org/x/sys/unix"
)

// Environment is what a login on a small machine has, and then the Spec's.
func Environment(extra map[string]string) []string {
	all := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME": "/root", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash", "LANG": "C.UTF-8",
	}
	maps.Copy(all, extra) // each name once: of two the first would count
	env := make([]string, 0, len(all))
	for k, v := range all {
		env = append(env, k+"="+v)
	}
	sort.Strings(env)
	return env
}

// MemoryJSON is v in a file that exists nowhere.
func MemoryJSON(name string, v any) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a memory file: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if err := json.NewEncoder(f).Encode(v); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
