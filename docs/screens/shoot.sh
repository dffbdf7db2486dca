#!/usr/bin/env bash
# Takes the pictures of the README from a signed-in cmh (CMH_SERVER and
# CMH_CONFIG_DIR say which). Needs a learner who has begun linux-shell.
set -euo pipefail
cd "$(dirname "$0")/../.."
shot() { # shot NAME ACTION...
	local name=$1 args=()
	shift
	for a in "$@"; do args+=(-do "$a"); done
	${SCREENS:-go run ./docs/screens} -o "docs/img/$name.svg" -size "${size:-92x26}" -title cmh "${args[@]}" -- bin/cmh
}
shot home 'see:Welcome back'
shot course 'see:Welcome' key:2 'see:Search' 'see:The Linux shell' key:down key:down key:down key:enter 'see:The path'
shot lesson 'see:Welcome' key:2 'see:Search' 'see:The Linux shell' key:down key:down key:down key:enter 'see:The path' key:enter 'see:Lesson'
bin/cmh lab start log-triage --detach --json >/dev/null
bin/cmh lab wait log-triage --for ready --timeout 60s >/dev/null
shot lab 'see:Welcome' key:3 'see:Log triage' 'key:/' 'type:triage' key:enter 'see:Log triage' key:enter 'see:Step 1' key:c 'see:Not yet'
# A lab's screen has its text beside the shell where there is room for both.
size=120x36 shot shell 'see:Welcome' key:3 'see:Log triage' 'key:/' 'type:triage' key:enter 'see:Log triage' key:enter 'see:Step 1' key:enter 'see:root@' \
	"type:head -2 /var/log/shop/access.log\n" "type:awk '\$9 >= 500 {print \$7}' /var/log/shop/access.log | sort | uniq -c | sort -rn\n" 'see:/login'
