/*
 * Arguments that the parser of @effect/cli does not accept in their usual form.
 */

/** Replaces `-`, which the parser takes for an option. No argument of a process can have this character. */
const hyphen = "\u0000"

/** The text that the user typed. */
export const unmark = (text: string): string => text === hyphen ? "-" : text

const isHelp = (argument: string): boolean => argument === "--help" || argument === "-h"

/**
 * The arguments for the parser. `--help` is repeated at each level, so that the usage begins with the whole command, such as
 * `uploads files get`.
 */
export const normalize = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (!args.some(isHelp)) return args.map((argument) => argument === "-" ? hyphen : argument)
  const end = args.findIndex((argument) => argument.startsWith("-"))
  return ["--help", ...args.slice(0, end).flatMap((word) => [word, "--help"])]
}

/** True if an argument looks like an API key. Every user of the machine can read it there, and the shell keeps it in its history. */
export const hasKey = (args: ReadonlyArray<string>): boolean =>
  args.some((argument) => /^--?(api[-_]?)?(key|token)(=|$)/i.test(argument) || /^sk-/.test(argument))
