package postgres

// A Holding is one table that holds something about people. Holdings are the
// whole of what is exported to somebody and of what goes with their account; a
// test finds tables and columns that it doesn't speak of.
type Holding struct {
	Table string
	Of    string            // which rows are a user's: SQL, $1 is their id
	Shows string            // the columns that an export has, as SQL writes a list
	Hides map[string]string // the columns that it hasn't, and why

	// Keeps says why the rows stay when the account goes. They name nobody then.
	Keeps string

	// Loose says that no foreign key leads to users: the rows are removed one
	// table at a time.
	Loose bool

	// ByID says that kept rows hold the id still, which is nobody's by then.
	// Others have lost it.
	ByID bool
}

const (
	ofUser    = `user_id::text = $1`
	ofSession = `session_id IN (SELECT id FROM lab_sessions WHERE user_id::text = $1)`

	secret = "a secret, or what is left of one"
)

// Holdings are all of them. Where Keeps is empty the rows go with the users row,
// by their foreign keys.
var Holdings = []Holding{
	{
		Table: "users", Of: `id::text = $1`,
		Shows: `id, email, username, staff_role, profile, subscription_tier, disabled_at, created_at, updated_at, email_verified_at, pending_email,
			preferences, delete_requested_at, delete_at`,
		Hides: map[string]string{"password_hash": secret},
	},
	{Table: "subscriptions", Of: ofUser, Shows: `id, user_id, plan_type, status, stripe_subscription_id, current_period_start, current_period_end, created_at`},
	{Table: "refresh_families", Of: ofUser, Shows: `id, user_id, client, method, created_at, last_used_at, expires_at, revoked_at`},
	{
		Table: "refresh_tokens", Of: `family_id IN (SELECT id FROM refresh_families WHERE user_id::text = $1)`, Shows: `family_id, created_at, used_at`,
		Hides: map[string]string{"hash": secret, "successor": secret},
	},
	{Table: "identities", Of: ofUser, Shows: `issuer, subject, user_id, created_at`},
	{Table: "account_tokens", Of: ofUser, Shows: `user_id, purpose, email, created_at, expires_at`, Hides: map[string]string{"hash": secret}},
	{
		Table: "device_grants", Of: ofUser, Shows: `user_id, client, method, created_at, expires_at, asked_at, pause, denied_at`,
		Hides: map[string]string{"hash": secret, "user_code": secret},
	},
	{
		Table: "audit_log", Of: `(subject_id::text = $1 OR actor_id::text = $1)`, Shows: `id, at, actor_id, subject_id, action, data`,
		Keeps: "what was done stays written down", ByID: true,
	},
	{Table: "ssh_keys", Of: ofUser, Shows: `id, user_id, name, type, fingerprint, public_key, created_at, last_used_at`},
	{Table: "api_keys", Of: ofUser, Shows: `id, user_id, name, hint, scopes, created_at, expires_at, last_used_at`, Hides: map[string]string{"hash": secret}},
	{Table: "quotas", Of: `principal = 'u:' || $1`, Shows: `principal, began, ended, used, touched_at`, Loose: true},
	{
		Table: "courses", Of: `owner_id::text = $1`, Shows: `id, slug, owner_id, version, created_at, updated_at, unpublished_at`,
		Keeps: "learners go on with a course whose author has left; it loses its owner",
	},
	{Table: "labs", Of: `draft_owner::text = $1`, Shows: `id, course_id, position, version, retired_at, created_at, updated_at, draft, draft_owner`},
	{
		Table: "lab_versions", Of: `lab_id IN (SELECT id FROM labs WHERE draft_owner::text = $1)`, Shows: `lab_id, hash, document, created_at`,
		Hides: map[string]string{"scenario": "what the author has uploaded", "assets": "what the author has uploaded"},
	},
	{
		Table: "lab_broken_checks", Of: `marked_by::text = $1`, Shows: `lab_id, lab_version, step, note, marked_by, marked_at`,
		Keeps: "a check stays broken whoever has found it; the row loses their name",
	},
	{Table: "enrollments", Of: ofUser, Shows: `user_id, course_id, version, created_at`},
	{Table: "user_progress", Of: ofUser, Shows: `id, user_id, course_id, lesson_id, progress_percentage, completed_at, created_at`},
	{Table: "quiz_attempts", Of: ofUser, Shows: `id, user_id, course_id, lesson_id, version, answers, score, passed, created_at`},
	{
		Table: "replayed_events", Of: ofUser, Shows: `user_id, id, outcome, received_at`,
		Hides: map[string]string{"request": "a hash"},
	},
	{Table: "lab_progress", Of: ofUser, Shows: `user_id, lab_id, progress_percentage, completed_at`},
	{Table: "user_achievements", Of: ofUser, Shows: `user_id, achievement, earned_at`},
	{Table: "certificates", Of: ofUser, Shows: `id, user_id, course_id, version, name, title, completed_at, issued_at`},
	{
		Table: "lab_sessions", Of: ofUser,
		Shows: `id, user_id, lab_id, lab_version, state, outcome, message, step, created_at, expires_at, setup_at, ended_at, destroyed_at, most_until, idle_after, warned,
			shared_at, recorded`,
		Hides: map[string]string{"driver": "how our machines are set up", "node": "how our machines are set up"},
	},
	{
		Table: "lab_session_steps", Of: ofSession,
		Shows: `session_id, number, state, message, attempts, errors, hints, solution_shown, opened_at, passed_at, replayed, hint_mask, checks, score`,
	},
	{Table: "lab_session_answers", Of: ofSession, Shows: `session_id, step, question, attempts, answer, right_at`},
	{Table: "lab_returns", Of: ofSession, Shows: `session_id, checkpoint, goto_step, begun_at`},
	{
		Table: "checkpoints", Of: ofUser, Shows: `id, user_id, session_id, lab_id, lab_version, kind, name, step, marks, bytes, created_at, expires_at, kept_at`,
		Hides: map[string]string{"node": "how our machines are set up"},
	},
	{Table: "lab_reports", Of: ofUser, Shows: `id, user_id, session_id, lab_id, lab_version, step, text, verdict, created_at, settled_at`},
	{Table: "lab_recordings", Of: ofUser, Shows: `id, user_id, session_id, lab_id, title, columns, rows, term, started_at, duration_ms, bytes`},
	{
		Table: "lab_recording_chunks", Of: `recording_id IN (SELECT id FROM lab_recordings WHERE user_id::text = $1)`, Shows: `recording_id, number`,
		Hides: map[string]string{"data": "large: cmh lab recordings export ID gives it whole"},
	},
	{Table: "events", Of: ofUser, Shows: `id, user_id, type, data, created_at`},
	{
		Table: "idempotency_keys", Of: ofUser, Shows: `user_id, key, status, created_at`,
		Hides: map[string]string{"request": "a hash", "response": "a copy of an answer that was given, for two days"},
	},
}
