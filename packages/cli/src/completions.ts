/*
 * The completions that @effect/cli prints, repaired where a shell would not find what is meant.
 */

/** The words of a nested command are below the wrong name, and a word with a hyphen is written with two underscores. */
const repairBash = (script: string): string =>
  script
    .replace(/^( +\w+),(\w+),(\w+)\)$/gm, "$1__$2,$3)")
    .replace(/^( +\w+,[a-z]+)__([a-z]+)\)$/gm, "$1-$2)")

/** The arguments of a command are not mentioned, so no file is offered for them, and no option has a value. */
const repairZsh = (script: string): string =>
  script
    .replace(/(\]' \\\n)( +)&& ret=0$/gm, "$1$2'*:FILE:_files' \\\n$2&& ret=0")
    .replace(/'(-o|--output|--data)\[([^\]]*)\]'/g, "'$1[$2]:PATH:_files'")

/** A line for each argument says that it is not a file. */
const repairFish = (script: string): string =>
  script
    .replace(/^complete -c uploads -n "[^"]*" -r -f -d .*\n/gm, "")
    .replace(/(-l (?:output|data) -r) -f/g, "$1")

/** The text, which is repaired if it is a script for a shell. */
export const repair = (text: string): string =>
  text.startsWith("function _uploads_bash_completions")
    ? repairBash(text)
    : text.startsWith("#compdef uploads")
    ? repairZsh(text)
    : text.startsWith("complete -c uploads")
    ? repairFish(`${text}\n`).trimEnd()
    : text
