/*
 * What the parser of @effect/cli does not take as people write it.
 */

/** Stands for `-`, which the parser takes for an option. No argument of a process has this character. */
const hyphen = "\u0000"

/** The text of an argument or a value of an option. */
export const unmark = (text: string): string => text === hyphen ? "-" : text

const isHelp = (argument: string): boolean => argument === "--help" || argument === "-h"

/**
 * The arguments for the parser. Help is asked for at each level: only so does the usage begin with the whole command, as in
 * `uploads files get`.
 */
export const normalize = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (!args.some(isHelp)) return args.map((argument) => argument === "-" ? hyphen : argument)
  const end = args.findIndex((argument) => argument.startsWith("-"))
  return ["--help", ...args.slice(0, end).flatMap((word) => [word, "--help"])]
}

/** A key on the command line can be read by every user of the machine, and stays in the history of the shell. */
export const hasKey = (args: ReadonlyArray<string>): boolean =>
  args.some((argument) => /^--?(api[-_]?)?(key|token)(=|$)/i.test(argument) || /^sk-/.test(argument))
