package root

import (
	"reflect"

	"github.com/cloudmastershub/cmh/client/hub"
	"github.com/cloudmastershub/cmh/cmd/cmh/about"
	"github.com/cloudmastershub/cmh/cmd/cmh/auth"
	"github.com/cloudmastershub/cmh/cmd/cmh/config"
	"github.com/cloudmastershub/cmh/cmd/cmh/doctor"
	"github.com/cloudmastershub/cmh/cmd/cmh/lab"
	"github.com/cloudmastershub/cmh/cmd/cmh/sync"
)

// printed is what each command prints as JSON, or a list of: --json, help and the
// tab key know its fields before it runs. What prints no JSON, or what nobody knows
// beforehand, isn't here. A switch costs no start anything.
func printed(command string) reflect.Type {
	switch command {
	case "auth register", "auth login", "auth status":
		return reflect.TypeFor[auth.Status]()
	case "auth sessions":
		return reflect.TypeFor[hub.Session]()
	case "auth email":
		return reflect.TypeFor[hub.EmailState]()
	case "auth token create":
		return reflect.TypeFor[hub.CreatedAPIKey]()
	case "auth token list":
		return reflect.TypeFor[hub.APIKey]()
	case "key list", "key add":
		return reflect.TypeFor[hub.Key]()
	case "profile view", "profile edit":
		return reflect.TypeFor[hub.User]()
	case "profile usage":
		return reflect.TypeFor[hub.Usage]()
	case "profile export":
		return reflect.TypeFor[hub.Export]()
	case "profile delete":
		return reflect.TypeFor[hub.DeletionDate]()
	case "course list", "course search", "course view", "author view":
		return reflect.TypeFor[hub.Course]()
	case "course enroll":
		return reflect.TypeFor[hub.Enrollment]()
	case "lesson list", "lesson view":
		return reflect.TypeFor[hub.Lesson]()
	case "lesson done":
		return reflect.TypeFor[hub.ProgressEntry]()
	case "quiz take":
		return reflect.TypeFor[hub.QuizResult]()
	case "quiz attempts":
		return reflect.TypeFor[hub.QuizAttempt]()
	case "lab list", "lab view":
		return reflect.TypeFor[hub.Lab]()
	case "lab start", "lab sessions", "lab status", "lab wait", "lab next", "lab skip", "lab submit", "lab extend", "lab stop",
		"lab reset", "lab goto", "lab resume":
		return reflect.TypeFor[hub.LabSession]()
	case "lab history":
		return reflect.TypeFor[hub.LabAttempt]()
	case "lab check":
		return reflect.TypeFor[hub.CheckResult]()
	case "lab hint":
		return reflect.TypeFor[hub.Hint]()
	case "lab solution":
		return reflect.TypeFor[hub.Solution]()
	case "lab answer":
		return reflect.TypeFor[hub.AnswerResult]()
	case "lab report", "author reports":
		return reflect.TypeFor[hub.LabReport]()
	case "lab events":
		return reflect.TypeFor[hub.LabEvent]()
	case "lab save":
		return reflect.TypeFor[hub.Checkpoint]()
	case "lab checkpoints":
		return reflect.TypeFor[hub.Checkpoints]()
	case "lab share":
		return reflect.TypeFor[hub.LabSharing]()
	case "lab watch":
		return reflect.TypeFor[hub.SharedLab]()
	case "lab record":
		return reflect.TypeFor[hub.LabRecording]()
	case "lab recordings":
		return reflect.TypeFor[hub.Recording]()
	case "lab port-forward":
		return reflect.TypeFor[lab.Forwarded]()
	case "progress":
		return reflect.TypeFor[hub.CourseProgress]()
	case "achievements":
		return reflect.TypeFor[hub.Achievements]()
	case "next":
		return reflect.TypeFor[hub.NextStep]()
	case "cert list", "cert verify", "cert download":
		return reflect.TypeFor[hub.Certificate]()
	case "sync":
		return reflect.TypeFor[sync.Result]()
	case "author push", "author courses", "author publish", "author unpublish", "author rollback":
		return reflect.TypeFor[hub.AuthoredCourse]()
	case "author versions":
		return reflect.TypeFor[hub.CourseEdition]()
	case "author import killercoda":
		return reflect.TypeFor[hub.ImportReport]()
	case "author broken":
		return reflect.TypeFor[hub.CheckMark]()
	case "admin users list":
		return reflect.TypeFor[hub.Account]()
	case "admin users view", "admin users role", "admin users suspend", "admin users unsuspend":
		return reflect.TypeFor[hub.AccountDetail]()
	case "admin labs":
		return reflect.TypeFor[hub.LabInFlight]()
	case "admin audit":
		return reflect.TypeFor[hub.AuditEntry]()
	case "admin stats":
		return reflect.TypeFor[hub.Stats]()
	case "config list", "config get":
		return reflect.TypeFor[config.Setting]()
	case "config profiles":
		return reflect.TypeFor[config.Profile]()
	case "doctor":
		return reflect.TypeFor[doctor.Finding]()
	case "version":
		return reflect.TypeFor[about.Version]()
	}
	return nil
}
