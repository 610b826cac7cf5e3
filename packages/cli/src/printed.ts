/*
 * What @effect/cli prints, made fit to be read: by a person, or by a shell.
 */

/** What it says of every option tells nothing. */
const noise = /^ *A (user-defined piece of text|true or false value)\.\n\n/gm

/**
 * The script for bash looks for the words of a nested command below the wrong name, and for a word with a hyphen by two
 * underscores: neither is ever found.
 */
const repairBash = (script: string): string =>
  script
    .replace(/^( +\w+),(\w+),(\w+)\)$/gm, "$1__$2,$3)")
    .replace(/^( +\w+,[a-z]+)__([a-z]+)\)$/gm, "$1-$2)")

export const tidy = (text: string): string =>
  text.startsWith("function _uploads_bash_completions") ? repairBash(text) : text.replace(noise, "")
