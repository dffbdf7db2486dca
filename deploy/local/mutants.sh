#!/usr/bin/env bash
# Breaks one promise after the other in a copy of the tree, as mutants.txt says,
# and fails for each that no test notices.
#   mutants.sh [WORD...]  all, or those of a check's number, or with a word in
#                         their title: mutants.sh 12 cursor
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
only=("$@")
# The same wherever the copy lies, so that most of it is built once.
export GOFLAGS="${GOFLAGS:-} -trimpath"

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
fresh() {
	rm -rf "${copy:?}"/* && git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$copy"
}

title='' file='' old='' new='' was='' alive=() caught=0

wanted() {
	[ ${#only[@]} -gt 0 ] || return 0
	local word
	for word in "${only[@]}"; do
		word=${word%:}
		[[ "$title" != "$word:"* ]] || return 0
		[[ "$word" =~ ^[0-9] || "$title" != *"$word"* ]] || return 0
	done
	return 1
}

# change replaces the lines of old, which stand in the file once, by those of new.
change() {
	[ -n "$old" ] || return 0
	local text
	text=$(cat "$copy/$file" && echo .)
	if [[ "$text" != *"$old"* ]]; then
		alive+=("$title: $file no longer says: $old")
	fi
	printf '%s' "${text/"$old"/"$new"}" | head -c -1 >"$copy/$file"
	old='' new=''
}

while IFS= read -r line; do
	case $line in
	'== '*) title=${line#== } old='' new='' was='' ;;
	'in '*)
		change
		file=${line#in }
		;;
	-*)
		wanted || continue
		[ -n "$was" ] || fresh
		[ "$was" != + ] || change
		line=${line#-} line=${line# } old+=$line$'\n' was=-
		;;
	+*)
		wanted || continue
		line=${line#+} line=${line# } new+=$line$'\n' was=+
		;;
	'test '*)
		wanted || continue
		change
		read -r _ name pkg <<<"$line"
		if ! (cd "$copy" && go vet "$pkg" && go build ./labs/agent/... && rm -f agent) >/dev/null 2>&1; then
			alive+=("$title: it doesn't build")
		else
			# It must say so itself: a run that broke off has noticed nothing.
			said=$(cd "$copy" && CI=1 timeout 600 go test -count=1 -run "^$name\$" "$pkg" 2>&1) || true
			if grep -q -- "^--- FAIL: $name " <<<"$said"; then
				echo "caught by $name: $title"
				caught=$((caught + 1))
			else
				alive+=("$title: $name didn't notice: $(tail -n 3 <<<"$said")")
			fi
		fi
		;;
	esac
done <"$here/mutants.txt"

echo "$caught mutants were caught"
if [ ${#alive[@]} -gt 0 ]; then
	printf '%s\n' "${alive[@]}" >&2
	exit 1
fi
