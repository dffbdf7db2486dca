package about

const keys = `The keys of the screens. ? shows those of the screen you are in.

  up, down, j, k     choose, or scroll
  left, right, h, l  to the sides, where there are any
  pgup, pgdn, space  scroll by a page
  g, G               first, last
  enter              open; in a lesson: a page on, at its end what comes next
  esc                back
  /                  search; in a lesson: find, and n, N go to the next place
  1 to 5             home, catalogue, labs, progress, me; in a quiz 1 to 9
                     choose
  ,                  settings
  r                  ask the hub again
  ?                  all keys of this screen
  q, ctrl-c          quit
  ctrl-z             to the shell; fg comes back

In the screen of a lab everything typed is the shell's, but for one prefix,
ctrl-] or what CMH_PREFIX says. After it:

  1 to 9             run that block of the text
  c, h, o            check the step, a hint, the solution
  n, g, r            next step, go to a step, begin this one again
  z                  both, only the shell, only the text
  d                  leave; the lab goes on
  ?, ctrl-]          all keys, type the prefix itself`

const jsonHelp = `Every command that shows something prints JSON with --json. Fields don't change
their names or meaning.

  --json                  all of it
  --json=FIELD,FIELD      only these; a wrong name lists the right ones
  --jq EXPR               filter it, in the language of jq; texts are bare
  --template TEMPLATE     format it by a Go template, with join and json

Lists are arrays, also of one; what comes bit by bit is one value a line. Errors
are JSON, too, on standard error: code, detail, exit_status.

  cmh course list --json=id,title
  cmh lab sessions --jq '.[].session_id'
  cmh course list --template '{{range .}}{{.id}} {{end}}'

docs/cli.md and docs/openapi.yaml describe the fields.`
