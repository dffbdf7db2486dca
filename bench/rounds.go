package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A runner is one of several things to be timed against each other. Run
// does it once and says how long the part that counts took.
type runner struct {
	name string
	run  func(ctx context.Context) (time.Duration, error)
}

// A result is what a runner took, round by round.
type result struct {
	name  string
	times []time.Duration
}

// race runs everybody once a round, beginning with another one each time, so
// that a busy moment of the machine meets all of them. The first round warms
// up and isn't counted.
func race(ctx context.Context, rounds int, runners ...runner) ([]result, error) {
	results := make([]result, len(runners))
	for round := -1; round < rounds; round++ {
		for i := range runners {
			n := (i + round + len(runners)) % len(runners)
			took, err := runners[n].run(ctx)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", runners[n].name, err)
			}
			results[n].name = runners[n].name
			if round >= 0 {
				results[n].times = append(results[n].times, took)
			}
		}
	}
	return results, nil
}

// quantile of an unsorted list. The middle of an even number is between two.
func quantile[T int64 | float64 | time.Duration](list []T, q float64) T {
	if len(list) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(list))
	if n := len(s); q == 0.5 && n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[min(len(s)-1, int(q*float64(len(s))))]
}

// ratio is the median of a's share of b, round by round.
func ratio[T int64 | float64 | time.Duration](a, b []T) float64 {
	var rs []float64
	for i := range min(len(a), len(b)) {
		if b[i] > 0 {
			rs = append(rs, float64(a[i])/float64(b[i]))
		}
	}
	return quantile(rs, 0.5)
}

// A table is Markdown on its way out.
type table struct {
	title string
	head  []string
	rows  [][]string
	notes []string
}

// timings is the table of a race; the first result is ours. The tail is the
// higher quantile to show.
func timings(title string, tail float64, results []result, notes ...string) table {
	t := table{title: title, notes: notes, head: []string{"", "median", fmt.Sprintf("p%.0f", tail*100), "fastest", "ours ÷ this"}}
	for i, r := range results {
		share := "1"
		if i > 0 {
			share = fmt.Sprintf("**%.2f**", ratio(results[0].times, r.times))
		}
		t.rows = append(t.rows, []string{r.name, ms(quantile(r.times, 0.5)), ms(quantile(r.times, tail)), ms(slices.Min(r.times)), share})
	}
	t.notes = append(t.notes, fmt.Sprintf("%d rounds.", len(results[0].times)))
	return t
}

func ms(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
}

func (t table) print(w io.Writer) {
	row := func(cells []string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }
	fmt.Fprintf(w, "### %s\n\n", t.title)
	row(t.head)
	row(append([]string{"---"}, slices.Repeat([]string{"--:"}, len(t.head)-1)...))
	for _, r := range t.rows {
		row(r)
	}
	fmt.Fprintf(w, "\n%s\n\n", strings.Join(t.notes, " "))
}
