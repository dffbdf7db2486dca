package cli

import (
	"context"

	"github.com/cloudmastershub/cmh/client/hub"
)

// Backend is the hub as the commands see it: the SDK on a learner's machine,
// the rules themselves inside the SSH gateway.
type Backend interface {
	Accounts
	Learning
	Labs
	Recordings
	Administration
}

// Administration is what `cmh admin` needs. All of it refuses whoever is no
// admin.
type Administration interface {
	Accounts(ctx context.Context, f hub.AccountFilter) (hub.Page[hub.Account], error)
	Account(ctx context.Context, ref string) (hub.AccountDetail, error)
	SetRole(ctx context.Context, ref string, role hub.Role) (hub.AccountDetail, error)
	Suspend(ctx context.Context, ref string) (hub.AccountDetail, error)
	Unsuspend(ctx context.Context, ref string) (hub.AccountDetail, error)
	LabsInFlight(ctx context.Context, p hub.Paging) (hub.Page[hub.LabInFlight], error)
	StopLabInFlight(ctx context.Context, session string) error
	AuditLog(ctx context.Context, f hub.AuditFilter) (hub.Page[hub.AuditEntry], error)
	Stats(ctx context.Context) (hub.Stats, error)
}

// Accounts is what `cmh auth`, `cmh key` and `cmh profile` need.
type Accounts interface {
	Register(ctx context.Context, r hub.Registration) (hub.Login, error)
	Login(ctx context.Context, c hub.Credentials) (hub.Login, error)
	Logout(ctx context.Context, refreshToken string) error
	Profile(ctx context.Context) (hub.User, error)
	UpdateProfile(ctx context.Context, u hub.ProfileUpdate) (hub.User, error)
	Sessions(ctx context.Context) ([]hub.Session, error)
	EndSession(ctx context.Context, id string) error
	EndOtherSessions(ctx context.Context) (int, error)
	ChangePassword(ctx context.Context, p hub.PasswordChange) error
	ForgotPassword(ctx context.Context, email string) error
	ResetPassword(ctx context.Context, r hub.PasswordReset) error
	Email(ctx context.Context) (hub.EmailState, error)
	ChangeEmail(ctx context.Context, e hub.EmailChange) (hub.EmailState, error)
	SendVerification(ctx context.Context) error
	VerifyEmail(ctx context.Context, token string) error
	DeviceRequest(ctx context.Context, userCode string) (hub.DeviceRequest, error)
	ApproveDevice(ctx context.Context, userCode string) error
	DenyDevice(ctx context.Context, userCode string) error
	Export(ctx context.Context) (hub.Export, error)
	DeleteAccount(ctx context.Context, d hub.Deletion) (hub.DeletionDate, error)
	Keys(ctx context.Context) ([]hub.Key, error)
	AddKey(ctx context.Context, k hub.NewKey) (hub.Key, error)
	RemoveKey(ctx context.Context, id string) error
	Usage(ctx context.Context) (hub.Usage, error)
	APIKeys(ctx context.Context) ([]hub.APIKey, error)
	CreateAPIKey(ctx context.Context, n hub.NewAPIKey) (hub.CreatedAPIKey, error)
	RevokeAPIKey(ctx context.Context, ref string) error
}

// Learning is what `cmh course`, `lesson`, `quiz`, `progress` and `next` need.
type Learning interface {
	Courses(ctx context.Context, f hub.CourseFilter) (hub.Page[hub.Course], error)
	Course(ctx context.Context, course string) (hub.Course, error)
	Lessons(ctx context.Context, course string) ([]hub.Lesson, error)
	Lesson(ctx context.Context, course, lesson string) (hub.Lesson, error)
	Enroll(ctx context.Context, course string) (hub.Enrollment, error)
	Leave(ctx context.Context, course string) error
	QuizAttempts(ctx context.Context, course, lesson string, p hub.Paging) (hub.Page[hub.QuizAttempt], error)
	TakeQuiz(ctx context.Context, course, lesson string, a hub.QuizAnswers) (hub.QuizResult, error)
	Progress(ctx context.Context) ([]hub.CourseProgress, error)
	RecordProgress(ctx context.Context, entries []hub.ProgressEntry) ([]hub.ProgressEntry, error)
	Achievements(ctx context.Context) (hub.Achievements, error)
	Next(ctx context.Context) ([]hub.NextStep, error)
	Certificates(ctx context.Context) ([]hub.Certificate, error)
	Certificate(ctx context.Context, id string) (hub.Certificate, error)
}

// Labs is what `cmh lab` needs.
type Labs interface {
	Labs(ctx context.Context, f hub.LabFilter) (hub.Page[hub.Lab], error)
	Lab(ctx context.Context, id string) (hub.Lab, error)
	LabSessions(ctx context.Context) ([]hub.LabSession, error)
	LabHistory(ctx context.Context, f hub.LabHistoryFilter) (hub.Page[hub.LabAttempt], error)
	StartLab(ctx context.Context, lab string) (hub.LabSession, error)
	LabSession(ctx context.Context, ref string) (hub.LabSession, error)
	CheckLab(ctx context.Context, ref string, step int) (hub.CheckResult, error)
	NextLabStep(ctx context.Context, ref string) (hub.LabSession, error)
	SkipLabStep(ctx context.Context, ref string) (hub.LabSession, error)
	LabHint(ctx context.Context, ref string, step int) (hub.Hint, error)
	LabSolution(ctx context.Context, ref string, step int) (hub.Solution, error)
	AnswerLab(ctx context.Context, ref string, a hub.LabAnswer) (hub.AnswerResult, error)
	ReportLab(ctx context.Context, ref string, step int, text string) (hub.LabReport, error)
	SubmitLab(ctx context.Context, ref string) (hub.LabSession, error)
	LabEvents(ctx context.Context, ref string, after int64, yield func(hub.LabEvent) error) error
	ExtendLab(ctx context.Context, ref string, minutes int) (hub.LabSession, error)
	StopLab(ctx context.Context, ref string) (hub.LabSession, error)
	SaveLab(ctx context.Context, ref, name string) (hub.Checkpoint, error)
	Checkpoints(ctx context.Context, ref string) (hub.Checkpoints, error)
	ForgetCheckpoint(ctx context.Context, id string) error
	ResetLab(ctx context.Context, ref string, to hub.LabReturn) (hub.LabSession, error)
	GotoLabStep(ctx context.Context, ref string, step int) (hub.LabSession, error)
	ResumeLab(ctx context.Context, ref, checkpoint string) (hub.LabSession, error)
	LabCertificate(ctx context.Context, ref, publicKey string) (hub.SSHCertificate, error)
}
