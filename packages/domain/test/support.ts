import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { parse } from "./fixtures.js"

/** A value as a receiver sees it: encoded, serialized as JSON and parsed again. */
export const toWire = <A, I>(schema: Schema.Schema<A, I>) => {
  const encode = Schema.encodeSync(schema)
  return (value: A): unknown => parse(JSON.stringify(encode(value)))
}

/** The paths of all issues that decoding reports. Empty if the value is valid. */
export const faults = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(schema, { errors: "all" })
  return (input: unknown): ReadonlyArray<string> =>
    Either.match(decode(input), {
      onLeft: (error) => [
        ...new Set(ParseResult.ArrayFormatter.formatErrorSync(error).map(({ path }) => path.map(String).join(".")))
      ],
      onRight: () => []
    })
}
