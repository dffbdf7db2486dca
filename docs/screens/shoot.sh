#!/usr/bin/env bash
# Takes the pictures and the recording of the README from a signed-in cmh (CMH_SERVER and
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
# The loop, as a recording for players: browse, read, open the lab, run a block,
# have it checked. -o tells that it came as far as that.
${SCREENS:-go run ./docs/screens} -cast docs/img/loop.cast -size 120x36 -title 'cmh: a course, a lesson, a lab' \
	-do 'see:Welcome' -do key:2 -do 'see:Search' -do 'see:The Linux shell' -do key:down -do key:down -do key:down -do key:enter -do 'see:The path' \
	-do key:enter -do 'see:Lesson' -do key:esc -do 'see:The path' -do key:esc -do 'see:Search' \
	-do key:3 -do 'see:Log triage' -do 'key:/' -do 'type:triage' -do key:enter -do 'see:Log triage' -do key:enter -do 'see:Step 1' -do key:enter -do 'see:root@' \
	-do "type:awk '\$9 >= 500 {print \$7}' /var/log/shop/access.log | sort | uniq -c | sort -rn\n" -do 'see:/login' \
	-do 'ctrl:]' -do key:c -do 'see:Not yet' -do 'ctrl:]' -do key:d -- bin/cmh
