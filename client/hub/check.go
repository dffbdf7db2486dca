package hub

// CheckOutcome is how one check of a step went.
type CheckOutcome struct {
	Name     string `json:"name"`
	State    string `json:"state"` // passed, failed, error
	Expected string `json:"expected,omitempty"`
	Observed string `json:"observed,omitempty"` // what is there instead
	Message  string `json:"message,omitempty"`
}

// LabQuestion is a question in a lab's text. What is right never leaves the
// server.
type LabQuestion struct {
	Number  int      `json:"number"` // from 1, in its step
	Kind    string   `json:"kind"`   // single, multiple, text
	Prompt  string   `json:"prompt"` // Markdown
	Choices []string `json:"choices,omitempty"`
}

// LabAnswer answers one question of a step: 0 is the current step, and the
// only question or the first one that is open. A choice is its letter (a is
// the first) or its text.
type LabAnswer struct {
	Step     int      `json:"step"`
	Question int      `json:"question"`
	Answer   []string `json:"answer"`
}

// AnswerResult says whether an answer was right.
type AnswerResult struct {
	SessionID string      `json:"session_id"`
	Step      int         `json:"step"`
	Question  int         `json:"question"`
	Right     bool        `json:"right"`
	Message   string      `json:"message,omitempty"`
	Attempts  int         `json:"attempts"` // at this question
	Open      int         `json:"open"`     // questions of the step that are still to be answered
	Steps     []StepState `json:"steps"`
}
