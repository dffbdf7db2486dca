#!/usr/bin/env bash
# Makes of a new learner one who has begun linux-shell, and takes the pictures.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin/cmh course enroll linux-shell >/dev/null
for lesson in $(bin/cmh course view linux-shell --jq '.lessons[0].id' 2>/dev/null || true); do
	bin/cmh lesson done linux-shell "$lesson" >/dev/null
done
exec docs/screens/shoot.sh
