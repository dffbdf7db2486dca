package hub

import "time"

// Role is what a user may do, as one word: the subscription tier of a learner,
// or a staff role.
type Role string

// The roles, from the least to the most able.
const (
	Guest      Role = "guest"      // not signed in; browses free content
	Free       Role = "free"       // signed in
	Premium    Role = "premium"    // signed in, with a paid tier
	Instructor Role = "instructor" // also owns courses
	Admin      Role = "admin"      // also manages users and all content
)

// User is somebody who has signed in. The zero User, with Role Guest, is
// somebody who has not.
type User struct {
	ID               string    `json:"id"`
	Email            string    `json:"email"`
	Username         string    `json:"username"`
	Role             Role      `json:"role"`
	SubscriptionTier string    `json:"subscription_tier"` // free or premium
	Profile          Profile   `json:"profile"`
	CreatedAt        time.Time `json:"created_at"`
	UpdatedAt        time.Time `json:"updated_at"`
}

// Profile is what users say about themselves.
type Profile struct {
	DisplayName string `json:"display_name,omitempty"`
	Bio         string `json:"bio,omitempty"`
	Company     string `json:"company,omitempty"`
	Location    string `json:"location,omitempty"`
	Timezone    string `json:"timezone,omitempty"` // IANA name
}

// Registration asks for a new account.
type Registration struct {
	Email    string `json:"email"`
	Username string `json:"username"`
	Password string `json:"password"`
}

// Credentials signs in. Email may also hold the username.
type Credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// ProfileUpdate replaces the profile; a nil field is left as it is.
type ProfileUpdate struct {
	Username *string  `json:"username,omitempty"`
	Profile  *Profile `json:"profile,omitempty"`
}

// Tokens is a signed-in session. The access token is a JWT and lives
// ExpiresIn seconds; the refresh token is opaque, works once, and its family
// ends 30 days after sign-in.
type Tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"` // Bearer
	ExpiresIn    int    `json:"expires_in"` // seconds
}

// Login is the answer to registering and to signing in.
type Login struct {
	User User `json:"user"`
	Tokens
}

// Key is an SSH public key that signs its owner in at the gateway.
type Key struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Type        string     `json:"type"`        // such as ssh-ed25519
	Fingerprint string     `json:"fingerprint"` // SHA256:...
	CreatedAt   time.Time  `json:"created_at"`
	LastUsedAt  *time.Time `json:"last_used_at,omitempty"`
}

// NewKey asks to add a key, in authorized_keys form. An empty Name takes the
// key's comment, or its fingerprint.
type NewKey struct {
	Name      string `json:"name,omitempty"`
	PublicKey string `json:"public_key"`
}
