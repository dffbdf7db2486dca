# Functions that make signed tokens, for the set-up of this lab.
b64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }

# mint KEY HEADER CLAIMS prints a token signed with KEY, or without a signature
# when KEY is "none".
mint() {
	local signed
	signed=$(printf %s "$2" | b64url).$(printf %s "$3" | b64url)
	if [ "$1" = none ]; then
		printf '%s.\n' "$signed"
	else
		printf '%s.%s\n' "$signed" "$(printf %s "$signed" | openssl dgst -sha256 -sign "$1" -binary | b64url)"
	fi
}

# claims ISS AUD EMAIL IAT EXP
claims() {
	printf '{"iss":"%s","aud":"%s","sub":"112233445566778899","email":"%s","iat":%d,"exp":%d}' "$@"
}
