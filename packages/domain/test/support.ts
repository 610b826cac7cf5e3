import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { parse } from "./fixtures.js"

/** A value as it is on the wire: encoded, written as JSON and parsed again. */
export const toWire = <A, I>(schema: Schema.Schema<A, I>) => {
  const encode = Schema.encodeSync(schema)
  return (value: A): unknown => parse(JSON.stringify(encode(value)))
}

/** Where decoding finds fault, one path a finding; none when it finds no fault. */
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
