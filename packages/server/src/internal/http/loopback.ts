import * as Either from "effect/Either"
import * as Option from "effect/Option"

/** Whether an address or host name is that of this machine. */
export const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "::1" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname)

/** The host name of `scheme://host[:port]`. None for any other text, such as one with a user or a path, which no `Origin` has. */
export const hostnameOf = (url: string): Option.Option<string> =>
  Either.getRight(Either.try(() => new URL(url))).pipe(
    Option.filter(() => /^[^/]+:\/\/[^/?#\\]*$/.test(url)),
    Option.filter(({ password, username }) => username === "" && password === ""),
    Option.map(({ hostname }) => hostname)
  )
