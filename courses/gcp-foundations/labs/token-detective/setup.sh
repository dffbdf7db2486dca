#!/usr/bin/env bash
# Makes an issuer, somebody who pretends to be one, and the six tokens.
set -euo pipefail
. /opt/tokens/mint.sh
keys=$(mktemp -d)
made=$(mktemp -d)
trap 'rm -rf "$keys" "$made"' EXIT
cd "$made"
openssl genrsa -out "$keys/issuer" 2048 2>/dev/null
openssl genrsa -out "$keys/other" 2048 2>/dev/null
openssl rsa -in "$keys/issuer" -pubout -out issuer.pem 2>/dev/null

rs='{"alg":"RS256","typ":"JWT","kid":"k1"}'
google=https://accounts.google.com
us=https://receipts.example.com
robot=receipts@shop-live-4711.iam.gserviceaccount.com
now=1773309600 # 2026-03-12T10:00:00Z
echo $now >now

mint "$keys/issuer" "$rs" "$(claims $google https://billing.example.com $robot $((now - 60)) $((now + 3540)))" >t1.jwt
mint none '{"alg":"none","typ":"JWT"}' "$(claims $google $us admin@shop-live-4711.iam.gserviceaccount.com $((now - 60)) $((now + 3540)))" >t2.jwt
mint "$keys/issuer" "$rs" "$(claims $google $us $robot $((now - 7200)) $((now - 3600)))" >t3.jwt
mint "$keys/issuer" "$rs" "$(claims $google $us $robot $((now - 30)) $((now + 3570)))" >t4.jwt
mint "$keys/other" "$rs" "$(claims $google $us $robot $((now - 30)) $((now + 3570)))" >t5.jwt
mint "$keys/issuer" "$rs" "$(claims https://accounts.google.com.example.net $us $robot $((now - 30)) $((now + 3570)))" >t6.jwt

# All of them at once: who waits for the folder finds everything in it.
chmod 755 .
mv "$made" /root/tokens
