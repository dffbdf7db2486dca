// Command bench measures how fast the product starts, connects and answers,
// and prints the tables of docs/benchmarks.md.
//
// A figure on its own says more about the machine than about us. So each one
// stands beside a floor: the least that somebody could build for the purpose,
// measured in the same run, turn by turn. It judges nothing: it fails only
// when something can't be measured. Tests are elsewhere.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	only := flag.String("only", "", "sections to measure, with commas: "+strings.Join(names(), ","))
	scale := flag.Float64("scale", 1, "rounds, as a factor")
	limit := flag.Duration("limit", 12*time.Minute, "give up after this long")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), *limit)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, unix.SIGTERM)
	defer stop()
	if err := run(ctx, *only, *scale); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		cancel()
		os.Exit(1)
	}
}

var sections = []struct {
	name    string
	measure func(context.Context, *rig) ([]table, error)
}{
	{"cold", cold},
	{"warm", warm},
	{"connect", connect},
	{"echo", echo},
	{"life", life},
	{"typing", typing},
	{"bulk", bulk},
	{"storm", stormy},
	{"cli", commands},
	{"api", api},
	{"database", database},
	{"crowd", crowdOf},
	{"flood", flood},
	{"screens", screens},

	{"growth", growth},
	{"memory", memory},
	{"many", many},
}

func names() (all []string) {
	for _, s := range sections {
		all = append(all, s.name)
	}
	return all
}

func run(ctx context.Context, only string, scale float64) (err error) {
	r, err := newRig(ctx, scale)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := r.close(ctx); err == nil {
			err = cerr
		}
	}()
	began := time.Now()
	fmt.Printf("%s\n\n", machine())
	for _, s := range sections {
		if only == "" && s.name == "growth" { // fills a database for minutes
			continue
		}
		if only != "" && !slices.Contains(strings.Split(only, ","), s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", s.name)
		tables, err := s.measure(ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		for _, t := range tables {
			t.print(os.Stdout)
		}
	}
	fmt.Printf("Load when it ended: %s. It took %v.\n", load(), time.Since(began).Round(time.Second))
	return nil
}

// machine is what the figures were taken on.
func machine() string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	cpu := "unknown processor"
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for sc := bufio.NewScanner(f); sc.Scan(); {
			if k, v, ok := strings.Cut(sc.Text(), ":"); ok && strings.TrimSpace(k) == "model name" {
				cpu = strings.TrimSpace(v)
				break
			}
		}
	}
	return fmt.Sprintf("Measured on %s: %d × %s, Linux %s, %s. Load when it began: %s.",
		time.Now().UTC().Format("2 January 2006, 15:04 MST"), runtime.NumCPU(), cpu, unix.ByteSliceToString(u.Release[:]), runtime.Version(), load())
}

func load() string {
	raw, _ := os.ReadFile("/proc/loadavg")
	f := strings.Fields(string(raw))
	return strings.Join(f[:min(3, len(f))], " ")
}

// build compiles a floor with our own toolchain and modules.
func build(ctx context.Context, out, pkg string) (string, error) {
	bin := filepath.Join(out, filepath.Base(pkg))
	if o, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, pkg).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", pkg, err, o)
	}
	return bin, nil
}
