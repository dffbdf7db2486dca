package hub

import "time"

// Course is one published version of a course. Lists leave out what only a
// reader needs: lesson bodies, lab texts.
type Course struct {
	ID                 string         `json:"id"` // UUID; Slug is accepted wherever ID is
	Slug               string         `json:"slug"`
	Title              string         `json:"title"`
	Description        string         `json:"description"`
	Level              string         `json:"level"`    // beginner, intermediate, advanced
	Provider           string         `json:"provider"` // aws, azure, gcp, multi
	Category           string         `json:"category"`
	Thumbnail          string         `json:"thumbnail,omitempty"`
	Duration           int            `json:"duration"` // minutes
	Free               bool           `json:"free"`     // open to guests and to the free tier
	Lessons            []Lesson       `json:"lessons"`
	Labs               []Lab          `json:"labs"`
	Prerequisites      []string       `json:"prerequisites"`
	LearningObjectives []string       `json:"learning_objectives"`
	CertificationInfo  *Certification `json:"certification_info,omitempty"`
	Version            int            `json:"version"`  // counts up with each published change
	Enrolled           bool           `json:"enrolled"` // by the caller
	CreatedAt          time.Time      `json:"created_at"`
	UpdatedAt          time.Time      `json:"updated_at"`
}

// Certification names the public exam a course prepares for.
type Certification struct {
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
}

// Lesson is one text of a course. ID is unique within its course.
type Lesson struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	Description string     `json:"description,omitempty"`
	VideoURL    string     `json:"video_url,omitempty"`
	Transcript  string     `json:"transcript,omitempty"` // of the video, Markdown; only in a single lesson's answer
	Duration    int        `json:"duration"`             // minutes
	Resources   []Resource `json:"resources,omitempty"`
	Quiz        *Quiz      `json:"quiz,omitempty"`
	Lab         string     `json:"lab,omitempty"`  // id of the lab that practises it
	Body        string     `json:"body,omitempty"` // Markdown; only in a single lesson's answer
}

// Resource is a link worth following.
type Resource struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Quiz is the questions of a lesson, without their answers: those never leave
// the server.
type Quiz struct {
	Pass      int        `json:"pass"` // percent needed
	Questions []Question `json:"questions"`
}

// Question kinds.
const (
	Single   = "single"   // one choice
	Multiple = "multiple" // every right choice and no wrong one
	Text     = "text"     // typed
)

// Question is one question of a quiz.
type Question struct {
	ID      string   `json:"id"`
	Kind    string   `json:"kind"`   // single, multiple, text
	Prompt  string   `json:"prompt"` // Markdown
	Choices []Choice `json:"choices,omitempty"`
}

// Choice is one answer to choose.
type Choice struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// QuizAnswers maps question ids to choice ids, or to one typed text.
type QuizAnswers struct {
	Answers map[string][]string `json:"answers"`
}

// QuizResult is how an attempt went. Explanations are given for every question
// that was answered.
type QuizResult struct {
	Score     int              `json:"score"` // percent
	Passed    bool             `json:"passed"`
	Questions []QuestionResult `json:"questions"`
}

// QuestionResult is how one question went.
type QuestionResult struct {
	ID          string `json:"id"`
	Correct     bool   `json:"correct"`
	Explanation string `json:"explanation,omitempty"`
}

// CourseFilter narrows a course list. The zero value lists everything the
// caller may see, by title.
type CourseFilter struct {
	Query    string // full text; misspelled words still match titles
	Provider string
	Level    string
	Category string
	Enrolled bool // only the caller's own
	Paging
}

// Enrollment says who takes which version of a course.
type Enrollment struct {
	CourseID  string    `json:"course_id"`
	Course    string    `json:"course"` // slug
	Version   int       `json:"version"`
	CreatedAt time.Time `json:"created_at"`
}
