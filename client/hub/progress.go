package hub

import "time"

// ProgressEntry says how far somebody is with a lesson. Entries merge: the
// highest percentage and the first completion win, in whatever order they
// arrive and however often.
type ProgressEntry struct {
	CourseID           string     `json:"course_id"` // id or slug
	LessonID           string     `json:"lesson_id"`
	ProgressPercentage int        `json:"progress_percentage"`    // 0 to 100
	CompletedAt        *time.Time `json:"completed_at,omitempty"` // set by the server at 100 when absent
}

// CourseProgress is how far the caller is with one course they enrolled in.
type CourseProgress struct {
	CourseID    string           `json:"course_id"`
	Course      string           `json:"course"` // slug
	Title       string           `json:"title"`
	Percentage  int              `json:"progress_percentage"` // lessons and labs count alike
	LessonsDone int              `json:"lessons_done"`
	Lessons     []LessonProgress `json:"lessons"`
	LabsDone    int              `json:"labs_done"`
	Labs        []LabProgress    `json:"labs"`
	StartedAt   time.Time        `json:"started_at"`
	CompletedAt *time.Time       `json:"completed_at,omitempty"`
}

// LessonProgress is one lesson's part of CourseProgress.
type LessonProgress struct {
	LessonID    string     `json:"lesson_id"`
	Title       string     `json:"title"`
	Percentage  int        `json:"progress_percentage"`
	CompletedAt *time.Time `json:"completed_at,omitempty"`
	QuizPassed  *bool      `json:"quiz_passed,omitempty"` // nil when the lesson has none
}

// LabProgress is one lab's part of CourseProgress.
type LabProgress struct {
	LabID       string     `json:"lab_id"`
	Title       string     `json:"title"`
	Percentage  int        `json:"progress_percentage"` // of its steps, in the best session
	CompletedAt *time.Time `json:"completed_at,omitempty"`
}

// NextStep is one thing the caller could do now, most useful first.
type NextStep struct {
	Kind   string `json:"kind"`   // lab_session, lesson, quiz, lab, course
	Title  string `json:"title"`  // of the thing
	Reason string `json:"reason"` // one short sentence
	Course string `json:"course,omitempty"`
	Lesson string `json:"lesson,omitempty"`
	Lab    string `json:"lab,omitempty"`
	// Session is the running lab session, for lab_session.
	Session string `json:"session,omitempty"`
	Command string `json:"command"` // the cmh command that does it
}
