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

const token = "[\\w!#$%&'*+.^`|~-]+"

/** A parameter with its separator, such as `; name="data"`. A separator alone is allowed (RFC 9110, section 5.6.6). */
const patternOf = (unquoted: string) =>
  new RegExp(`;[ \\t]*(?:(${token})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${unquoted}))[ \\t]*)?(?=;|$)`, "y")

const ofDisposition = patternOf(token)
/** Some clients write any character of a boundary (RFC 2046) without quotes. */
const ofContentType = patternOf(`[\\w!#$%&'()*+,./:=?^\`|~-]+`)

/** Only quotes and backslashes are escaped: browsers write any other backslash of a name as it is. */
const unescape = (quoted: string): string => quoted.replace(/\\(["\\])/g, "$1")

type Parameters = ReadonlyMap<string, ReadonlyArray<string>>

/** Names the parameter that cannot be read. A value that is cut at its first blank would be another value. */
const problemOf = (rest: string): string => {
  const name = new RegExp(`^;[ \\t]*(${token})`).exec(rest)?.[1]
  return name === undefined
    ? "a parameter of a field has no name"
    : `the value of the parameter ${name} is neither a token nor a quoted string`
}

/** The values of every parameter after the first word of a header. The error says what does not follow the grammar. */
const parametersOf = (header: string, pattern: RegExp): Either.Either<Parameters, string> => {
  const parameters = new Map<string, ReadonlyArray<string>>()
  let at = header.search(/;|$/)
  while (at < header.length) {
    pattern.lastIndex = at
    const match = pattern.exec(header)
    if (match === null) return Either.left(problemOf(header.slice(at)))
    at = pattern.lastIndex
    const [, name, quoted, token = ""] = match
    if (name === undefined) continue
    const key = name.toLowerCase()
    const value = quoted === undefined ? token : unescape(quoted)
    parameters.set(key, [...parameters.get(key) ?? [], value])
  }
  return Either.right(parameters)
}

/** The value of a parameter. A header that has more than one is rejected, because its readers would choose different ones. */
const single = (parameters: Parameters, name: string): string | undefined => {
  const [value, ...others] = parameters.get(name) ?? []
  return others.length === 0 ? value : undefined
}

/** The boundary of a `Content-Type` that has one. */
export const boundaryOf = (contentType: string): string | undefined =>
  Either.match(parametersOf(contentType, ofContentType), {
    onLeft: () => undefined,
    onRight: (parameters) => single(parameters, "boundary")
  })

/** Decodes the three characters that browsers, `fetch` and `curl` percent-encode in a quoted name. */
const decodePercent = (name: string): string => name.replace(/%0A/gi, "\n").replace(/%0D/gi, "\r").replace(/%22/g, "\"")

/** Prefers the extended notation, `filename*`: RFC 7578 forbids it in a form, but some clients send both. */
const filenameOf = (parameters: Parameters): Option.Option<string> =>
  Option.fromNullable(single(parameters, "filename*")).pipe(
    Option.flatMapNullable((value) => /^utf-8'[^']*'(.*)$/i.exec(value)?.[1]),
    Option.flatMap((encoded) => Either.getRight(Encoding.decodeUriComponent(encoded))),
    Option.orElse(() => Option.map(Option.fromNullable(single(parameters, "filename")), decodePercent))
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
  return Either.flatMap(parametersOf(values.get("content-disposition") ?? "", ofDisposition), (parameters) => {
    const name = single(parameters, "name")
    if (name === undefined) return Either.left("a field has no name, or more than one")
    if (["filename", "filename*"].some((name) => (parameters.get(name) ?? []).length > 1)) {
      return Either.left("a field has more than one file name")
    }
    return Either.right({
      name,
      filename: filenameOf(parameters),
      contentType: Option.fromNullable(values.get("content-type")),
      encoding: values.get("content-transfer-encoding") ?? "binary"
    })
  })
}
