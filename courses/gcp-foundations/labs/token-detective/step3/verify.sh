#!/usr/bin/env bash
program=/root/tokens/check-token
[ -x "$program" ] || { echo "There is no executable $program yet."; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
b64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }

mint() {
	local signed
	signed=$(printf %s "$2" | b64url).$(printf %s "$3" | b64url)
	if [ "$1" = none ]; then
		printf '%s.\n' "$signed"
	else
		printf '%s.%s\n' "$signed" "$(printf %s "$signed" | openssl dgst -sha256 -sign "$1" -binary | b64url)"
	fi
}

claims() {
	printf '{"iss":"%s","aud":"%s","sub":"112233445566778899","email":"%s","iat":%d,"exp":%d}' "$@"
}
openssl genrsa -out issuer 2048 2>/dev/null
openssl genrsa -out other 2048 2>/dev/null
openssl rsa -in issuer -pubout -out issuer.pem 2>/dev/null
rs='{"alg":"RS256","typ":"JWT","kid":"k9"}'
google=https://accounts.google.com us=https://check-$RANDOM.example.com robot=robot$RANDOM@p.iam.gserviceaccount.com
now=$((1800000000 + RANDOM))
good=$(claims $google $us $robot $((now - 10)) $((now + 600)))

mint issuer "$rs" "$good" >good
mint other "$rs" "$good" >signature
mint none '{"alg":"none","typ":"JWT"}' "$good" >none
printf '%s.%s.%s\n' "$(printf '{"alg":"HS256","typ":"JWT"}' | b64url)" "$(printf %s "$good" | b64url)" \
	"$(printf '%s.%s' "$(printf '{"alg":"HS256","typ":"JWT"}' | b64url)" "$(printf %s "$good" | b64url)" | openssl dgst -sha256 -hmac "$(cat issuer.pem)" -binary | b64url)" >hmac
mint issuer '{"alg":"RS512","typ":"JWT"}' "$good" >alg
mint issuer "$rs" "$(claims https://accounts.google.com.evil.example $us $robot $((now - 10)) $((now + 600)))" >issuer-claim
mint issuer "$rs" "$(claims $google https://other.example.com $robot $((now - 10)) $((now + 600)))" >audience
mint issuer "$rs" "$(claims $google $us $robot $((now - 900)) $((now - 1)))" >expired
mint issuer "$rs" '{"iss":"https://accounts.google.com","aud":"'$us'"}' >no-expiry
tampered=$(printf %s "$(claims $google $us admin@p.iam.gserviceaccount.com $((now - 10)) $((now + 600)))" | b64url)
awk -F. -v p="$tampered" '{print $1 "." p "." $3}' good >tampered
echo "this is not a token" >text
: >empty

run() { timeout 10 "$program" "$1" issuer.pem "$us" "$now" >out 2>&1 </dev/null; }
run good || { echo "It refuses a good token: $(head -c 120 out | head -1)"; exit 1; }
while IFS='|' read -r file why; do
	if run "$file"; then
		echo "It accepts a token that it must refuse: $why."
		exit 1
	fi
done <<'CASES'
signature|it is signed with another key
tampered|its claims were changed after signing
none|its algorithm is "none", and it has no signature
hmac|it is signed with HMAC, and the public key as the secret
alg|its header says RS512
issuer-claim|its issuer only begins like Google's
audience|it is for another service
expired|it expired a second ago
no-expiry|it never expires, since the claim is missing
text|it is a sentence, not a token
empty|the file is empty
CASES
timeout 10 "$program" missing-file issuer.pem "$us" "$now" >/dev/null 2>&1 </dev/null && { echo "It accepts a file that does not exist."; exit 1; }
echo "One yes and twelve times no: this check would hold."
