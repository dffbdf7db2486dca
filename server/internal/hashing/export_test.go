package hashing

import "time"

// Pid is the process's; 0 for none.
func (w *Worker) Pid() int {
	if p := w.process(); p != nil {
		return p.cmd.Process.Pid
	}
	return 0
}

// Hasten makes w give up, and begin again, soon.
func Hasten(w *Worker) { w.patience, w.respite, w.next = 50*time.Millisecond, 0, time.Time{} }
