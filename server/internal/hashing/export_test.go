package hashing

import "time"

// Pid is the process's; 0 for none.
func (w *Worker) Pid() int {
	if p := w.process(); p != nil {
		return p.cmd.Process.Pid
	}
	return 0
}

// Patient makes w wait also on a machine that has no time for it.
func Patient(w *Worker) { w.patience = time.Hour }

// Hasten makes w give up, and begin again, soon.
func Hasten(w *Worker) {
	w.patience, w.respite, w.lull, w.next = 50*time.Millisecond, 0, 0, time.Time{}
}

// Tire makes w give up soon, and not begin again.
func Tire(w *Worker) {
	w.patience, w.respite, w.lull, w.next = 50*time.Millisecond, 0, time.Hour, time.Time{}
}
