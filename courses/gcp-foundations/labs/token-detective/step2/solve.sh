cd /root/tokens
part() { cut -d. -f"$1" "$2" | tr '_-' '/+' | awk '{while (length($0) % 4) $0 = $0 "="; print}' | base64 -d; }
for t in t1 t2 t3 t4 t5 t6; do
  cut -d. -f1,2 $t.jwt | tr -d '\n' > signed
  part 3 $t.jwt > signature
  if [ "$(part 1 $t.jwt | jq -r .alg)" != RS256 ]; then v=algorithm
  elif ! openssl dgst -sha256 -verify issuer.pem -signature signature signed >/dev/null 2>&1; then v=signature
  elif [ "$(part 2 $t.jwt | jq -r .iss)" != https://accounts.google.com ]; then v=issuer
  elif [ "$(part 2 $t.jwt | jq -r .aud)" != https://receipts.example.com ]; then v=audience
  elif [ "$(part 2 $t.jwt | jq .exp)" -le "$(cat now)" ]; then v=expired
  else v=good; fi
  echo "$t $v"
done > verdicts
