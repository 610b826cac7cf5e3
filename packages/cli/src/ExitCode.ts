/** The exit codes, by kind of failure. A script can retry after 5. The same command fails again after 3 and 4. */
export const ExitCode = {
  success: 0,
  local: 1,
  usage: 2,
  rejected: 3,
  notAuthorised: 4,
  network: 5,
  leftPending: 6,
  hungUp: 129,
  interrupted: 130,
  closedPipe: 141,
  terminated: 143
} as const

export type ExitCode = typeof ExitCode[keyof typeof ExitCode]

/** The meanings in the man page and in the README. */
export const meanings: ReadonlyArray<readonly [exitCode: ExitCode, meaning: string]> = [
  [ExitCode.success, "All went well."],
  [
    ExitCode.local,
    "Something on this machine failed: a file that cannot be read or written, a full disk, other content."
  ],
  [ExitCode.usage, "The command line or the configuration is wrong. Nothing was sent."],
  [ExitCode.rejected, "The service rejected the request. The same request fails again."],
  [ExitCode.notAuthorised, "There is no API key, the service does not accept it, or the account's quota is used up."],
  [
    ExitCode.network,
    "The service could not be reached or did not respond, or its response is not one of the API. Try again."
  ],
  [ExitCode.leftPending, "An Upload is left pending: the transfer was suspended, or could not be cancelled."],
  [ExitCode.hungUp, "The terminal was closed (SIGHUP)."],
  [ExitCode.interrupted, "Ctrl-C (SIGINT)."],
  [ExitCode.closedPipe, "The reader of the results has ended (SIGPIPE)."],
  [ExitCode.terminated, "SIGTERM."]
]
