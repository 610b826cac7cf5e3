import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"

/** The headers of one field of a form. */
export interface FieldHeaders {
  readonly name: string
  /** None where the field is text. The name is for display only: it may contain anything, and is never used as a path. */
  readonly filename: Option.Option<string>
  readonly contentType: Option.Option<string>
  readonly encoding: string
}

/** The parameters of a header, such as `; name="data"`. */
const parameters = /;\s*([^\s"=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";]*))/g

/** Only quotes and backslashes are escaped: browsers write any other backslash of a name as it is. */
const unescape = (quoted: string): string => quoted.replace(/\\(["\\])/g, "$1")

/** The values of a parameter. A header that has more than one is rejected, because its readers would choose different ones. */
const valuesOf = (header: string, name: string): ReadonlyArray<string> =>
  Array.from(
    header.matchAll(parameters),
    ([, key = "", quoted, token = ""]) =>
      key.toLowerCase() === name ? [quoted === undefined ? token : unescape(quoted)] : []
  ).flat()

/** The value of a parameter that a header has once. */
export const parameter = (header: string, name: string): string | undefined => {
  const [value, ...others] = valuesOf(header, name)
  return others.length === 0 ? value : undefined
}

/** Decodes the three characters that browsers, `fetch` and `curl` percent-encode in a quoted name. */
const decodePercent = (name: string): string => name.replace(/%0A/gi, "\n").replace(/%0D/gi, "\r").replace(/%22/g, "\"")

/** Prefers the extended notation, `filename*`: RFC 7578 forbids it in a form, but some clients send both. */
const filenameOf = (disposition: string): Option.Option<string> =>
  Option.fromNullable(parameter(disposition, "filename*")).pipe(
    Option.flatMapNullable((value) => /^utf-8'[^']*'(.*)$/i.exec(value)?.[1]),
    Option.flatMap((encoded) => Either.getRight(Encoding.decodeUriComponent(encoded))),
    Option.orElse(() => Option.map(Option.fromNullable(parameter(disposition, "filename")), decodePercent))
  )

/** Reads the lines between a delimiter and the content of its field. The error says what is wrong with them. */
export const read = (headers: string): Either.Either<FieldHeaders, string> => {
  const values = new Map<string, string>()
  for (const line of headers === "" ? [] : headers.split("\r\n")) {
    const colon = line.indexOf(":")
    if (colon <= 0) return Either.left("the headers of a field cannot be read")
    const name = line.slice(0, colon).trim().toLowerCase()
    if (values.has(name)) return Either.left(`a field has the header ${name} more than once`)
    values.set(name, line.slice(colon + 1).trim())
  }
  const disposition = values.get("content-disposition") ?? ""
  const name = parameter(disposition, "name")
  if (name === undefined) return Either.left("a field has no name, or more than one")
  if (["filename", "filename*"].some((parameter) => valuesOf(disposition, parameter).length > 1)) {
    return Either.left("a field has more than one file name")
  }
  return Either.right({
    name,
    filename: filenameOf(disposition),
    contentType: Option.fromNullable(values.get("content-type")),
    encoding: values.get("content-transfer-encoding") ?? "binary"
  })
}
