package access

import "github.com/cloudmastershub/cmh/client/hub"

// Table is every operation there is. docs/access.md is made from it, the
// OpenAPI document is held to it, and tests ask for each operation in each
// role. An operation that is missing here answers nobody.
var Table = []Operation{
	// service
	{"GET /healthz", Everybody, ""},
	{"GET /readyz", Everybody, ""},
	{"GET /v1/version", Everybody, ""},
	{"GET /v1/openapi.yaml", Everybody, ""},

	// account
	{"POST /v1/auth/register", Everybody, ""},
	{"POST /v1/auth/login", Everybody, ""},
	{"POST /v1/auth/refresh", Everybody, ""},
	{"POST /v1/auth/logout", Everybody, ""},
	{"GET /device", Everybody, ""},
	{"POST /device", Everybody, ""},
	{"GET /verify", Everybody, ""},
	{"POST /verify", Everybody, ""},
	{"GET /reset", Everybody, ""},
	{"POST /reset", Everybody, ""},
	{"POST /v1/auth/device", Everybody, ""},
	{"POST /v1/auth/device/token", Everybody, ""},
	{"POST /v1/auth/device/approval", Members, ""},
	{"POST /v1/auth/forgot-password", Everybody, ""},
	{"POST /v1/auth/reset-password", Everybody, ""},
	{"POST /v1/auth/verify-email", Everybody, ""},
	{"PUT /v1/users/password", Members, ""},
	{"GET /v1/users/email", Members, hub.AccountRead},
	{"PUT /v1/users/email", Members, ""},
	{"POST /v1/users/email/verification", Members, ""},
	{"GET /v1/users/sessions", Members, hub.AccountRead},
	{"DELETE /v1/users/sessions", Members, ""},
	{"DELETE /v1/users/sessions/{session}", Members, ""},
	{"GET /v1/users/preferences", Members, hub.AccountRead},
	{"PUT /v1/users/preferences", Members, hub.AccountWrite},
	{"GET /v1/users/profile", Members, hub.AccountRead},
	{"PUT /v1/users/profile", Members, hub.AccountWrite},
	{"GET /v1/users/keys", Members, hub.AccountRead},
	{"POST /v1/users/keys", Members, ""},
	{"DELETE /v1/users/keys/{key}", Members, ""},

	// learning
	{"GET /v1/courses", Everybody, hub.CoursesRead},
	{"GET /v1/courses/{course}", Everybody, hub.CoursesRead},
	{"GET /v1/courses/{course}/lessons", Everybody, hub.CoursesRead},
	{"GET /v1/courses/{course}/lessons/{lesson}", Readers, hub.CoursesRead},
	{"POST /v1/courses/{course}/lessons/{lesson}/quiz", Learners, hub.ProgressWrite},
	{"POST /v1/courses/{course}/enroll", Learners, hub.ProgressWrite},
	{"GET /v1/users/progress", Members, hub.ProgressRead},
	{"POST /v1/users/progress", Learners, hub.ProgressWrite},
	{"GET /v1/users/next", Everybody, hub.ProgressRead},

	// labs
	{"GET /v1/labs", Everybody, hub.LabsRead},
	{"GET /v1/labs/sessions", Members, hub.LabsRead},
	{"GET /v1/labs/checkpoints", Members, hub.LabsRead},
	{"DELETE /v1/labs/checkpoints/{checkpoint}", Members, hub.LabsRun},
	{"GET /v1/labs/shared", Teachers, hub.LabsRead},
	{"GET /v1/labs/{lab}", Readers, hub.LabsRead},
	{"POST /v1/labs/{lab}/start", Learners, hub.LabsRun},
	{"GET /v1/labs/{lab}/status", Members, hub.LabsRead},
	{"POST /v1/labs/{lab}/check", Members, hub.LabsRun},
	{"POST /v1/labs/{lab}/answer", Members, hub.LabsRun},
	{"POST /v1/labs/{lab}/next", Members, hub.LabsRun},
	{"POST /v1/labs/{lab}/skip", Members, hub.LabsRun},
	{"POST /v1/labs/{lab}/hint", Members, hub.LabsRun},
	{"POST /v1/labs/{lab}/solution", Members, hub.LabsRun},
	{"PUT /v1/labs/{lab}/submit", Members, hub.LabsRun},
	{"POST /v1/labs/{lab}/stop", Members, hub.LabsRun},
	{"POST /v1/labs/{lab}/save", Members, hub.LabsRun},
	{"POST /v1/labs/{lab}/reset", Members, hub.LabsRun},
	{"POST /v1/labs/{lab}/goto", Members, hub.LabsRun},
	{"POST /v1/labs/{lab}/resume", Members, hub.LabsRun},
	{"GET /v1/labs/{lab}/events", Members, hub.LabsRead},
	{"POST /v1/labs/{lab}/extend", Members, hub.LabsRun},
	{"POST /v1/labs/{lab}/certificate", Members, hub.LabsRun},
	{"GET /v1/labs/{lab}/sharing", Members, hub.LabsRead},
	{"PUT /v1/labs/{lab}/sharing", Members, hub.LabsRun},
	{"POST /v1/labs/{lab}/watch", Onlookers, hub.LabsRun},
	{"GET /v1/labs/{lab}/recording", Members, hub.LabsRead},
	{"PUT /v1/labs/{lab}/recording", Members, hub.LabsRun},
	{"GET /v1/recordings", Members, hub.LabsRead},
	{"GET /v1/recordings/{recording}", Members, hub.LabsRead},
	{"DELETE /v1/recordings/{recording}", Members, hub.LabsRun},

	// authoring
	{"POST /v1/author/imports", Teachers, hub.Authoring},
}
