import * as Option from "effect/Option"

/** Decodes bytes that must be valid UTF-8. Drops a byte order mark. */
export const decode: (bytes: Uint8Array) => Option.Option<string> = Option.liftThrowable((bytes: Uint8Array) =>
  new TextDecoder("utf-8", { fatal: true }).decode(bytes)
)
