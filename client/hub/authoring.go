package hub

import "time"

// AuthoredCourse is a course as those who look after it see it.
type AuthoredCourse struct {
	ID        string    `json:"id"`
	Slug      string    `json:"slug"`
	Title     string    `json:"title"`
	Version   int       `json:"version"`   // the newest
	Published bool      `json:"published"` // others see it; else only who is enrolled
	Free      bool      `json:"free"`
	Lessons   int       `json:"lessons"`
	Labs      int       `json:"labs"`
	Learners  int       `json:"learners"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// CourseEdition is one version of a course. Versions never change; whoever is
// enrolled stays in theirs.
type CourseEdition struct {
	Version      int       `json:"version"`
	Current      bool      `json:"current"`                 // whoever enrolls gets it
	RestoredFrom int       `json:"restored_from,omitempty"` // the version that this one brought back
	Learners     int       `json:"learners"`
	Lessons      Changes   `json:"lessons"` // since the version before
	Labs         Changes   `json:"labs"`
	CreatedAt    time.Time `json:"created_at"`
}

// Changes names what is another than before, by id.
type Changes struct {
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
	Changed []string `json:"changed"`
}

// Publication says whether a course is there for everybody.
type Publication struct {
	Published bool `json:"published"`
}
