cat > /root/tokens/check-token <<'SCRIPT'
#!/usr/bin/env bash
set -euo pipefail
token=$1 key=$2 audience=$3 now=$4
no() { echo "refused: $1"; exit 1; }
part() { cut -d. -f"$1" <<<"$jwt" | tr '_-' '/+' | awk '{while (length($0) % 4) $0 = $0 "="; print}' | base64 -d; }

[ -f "$token" ] || no "there is no such file"
jwt=$(tr -d '\n' <"$token")
[[ $jwt =~ ^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$ ]] || no "not a signed token"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
part 1 >"$work/header" && part 2 >"$work/claims" && part 3 >"$work/signature" || no "a part can't be decoded"
cut -d. -f1,2 <<<"$jwt" | tr -d '\n' >"$work/signed"

jq -e '.alg == "RS256"' "$work/header" >/dev/null 2>&1 || no "the algorithm is not RS256"
openssl dgst -sha256 -verify "$key" -signature "$work/signature" "$work/signed" >/dev/null 2>&1 || no "the signature is wrong"
jq -e '.iss == "https://accounts.google.com"' "$work/claims" >/dev/null 2>&1 || no "the issuer is not Google"
jq -e --arg a "$audience" '.aud == $a' "$work/claims" >/dev/null 2>&1 || no "it is for somebody else"
jq -e --argjson now "$now" '(.exp | type) == "number" and .exp > $now' "$work/claims" >/dev/null 2>&1 || no "it has expired"
SCRIPT
chmod +x /root/tokens/check-token
