package hub

import "time"

// Session is one sign-in: a program on a machine that may act for the user
// until it ends.
type Session struct {
	ID         string     `json:"id"`
	Client     string     `json:"client"` // as the program named itself; empty where it didn't
	Method     string     `json:"method"` // password, device, or the name of who else was asked
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"` // when it was refreshed; up to 15 minutes before its last use
	ExpiresAt  time.Time  `json:"expires_at"`
	Current    bool       `json:"current"` // the one that asks
}

// PasswordChange replaces a password by somebody who knows it.
type PasswordChange struct {
	Current string `json:"current_password"`
	New     string `json:"new_password"`
}

// PasswordReset replaces a password by somebody who reads the account's mail.
type PasswordReset struct {
	Token string `json:"token"`
	New   string `json:"new_password"`
}

// EmailChange asks for another e-mail address. The password is the current one.
type EmailChange struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// EmailState is where an account's mail goes.
type EmailState struct {
	Email    string `json:"email"`
	Verified bool   `json:"verified"`
	Pending  string `json:"pending,omitempty"` // asked for, and not confirmed by its owner yet
}

// Preferences are what the user's programs remember for them everywhere, such as
// a theme. The server gives a meaning to "language" alone: it writes mail in it.
type Preferences map[string]any

// DeviceCode is what a program without a browser gets to sign in with (RFC
// 8628): the user confirms UserCode elsewhere while the program asks for its
// tokens with DeviceCode.
type DeviceCode struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"` // such as BDWP-HQPK
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int    `json:"expires_in"` // seconds
	Interval                int    `json:"interval"`   // seconds between two questions
}

// DeviceRequest is what somebody reads before they confirm a code.
type DeviceRequest struct {
	UserCode  string    `json:"user_code"`
	Client    string    `json:"client"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}
