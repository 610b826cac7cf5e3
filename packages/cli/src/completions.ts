/*
 * Repairs the completion scripts of @effect/cli 0.77.
 */

/** @effect/cli puts the words of a nested command below the wrong name, and writes a hyphen as two underscores. */
const repairBash = (script: string): string =>
  script
    .replace(/^( +\w+),(\w+),(\w+)\)$/gm, "$1__$2,$3)")
    .replace(/^( +\w+,[a-z]+)__([a-z]+)\)$/gm, "$1-$2)")

/** @effect/cli leaves out the arguments of a command and the values of options, so no file is offered for them. */
const repairZsh = (script: string): string =>
  script
    .replace(/(\]' \\\n)( +)&& ret=0$/gm, "$1$2'*:FILE:_files' \\\n$2&& ret=0")
    .replace(/'(-o|--output|--data)\[([^\]]*)\]'/g, "'$1[$2]:PATH:_files'")

/** @effect/cli writes a line for each argument that excludes files. */
const repairFish = (script: string): string =>
  script
    .replace(/^complete -c uploads -n "[^"]*" -r -f -d .*\n/gm, "")
    .replace(/(-l (?:output|data) -r) -f/g, "$1")

/** Repairs a completion script. Returns any other text unchanged. */
export const repair = (text: string): string =>
  text.startsWith("function _uploads_bash_completions")
    ? repairBash(text)
    : text.startsWith("#compdef uploads")
    ? repairZsh(text)
    : text.startsWith("complete -c uploads")
    ? repairFish(`${text}\n`).trimEnd()
    : text
