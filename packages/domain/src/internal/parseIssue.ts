import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as AST from "effect/SchemaAST"

/** One issue of a schema error, ready for an error message. */
export interface Issue {
  /** The names on the wire from the root to the value. */
  readonly path: ReadonlyArray<string>
  readonly problem: string
  readonly expected: string
}

/** The length at which a value in an error message is cut, in characters. */
const maximumLength = 80

/** JSON of a value. None if the value is nested too deeply for the stack. */
const toJson = Option.liftThrowable((value: unknown): string =>
  typeof value === "string" ? JSON.stringify(value) : Inspectable.toStringUnknown(value, 0)
)

/** Cuts a text without splitting a surrogate pair, so that the result is valid UTF-8. */
const shorten = (text: string): string =>
  text.length <= maximumLength ? text : `${text.slice(0, maximumLength).replace(/[\ud800-\udbff]$/, "")}…`

/** A value as it appears in an error message: JSON of at most 80 characters. */
export const show = (value: unknown): string => {
  if (Duration.isDuration(value)) return Duration.format(value)
  // The JSON of a text is never shorter than the text, so the rest of a long text is not needed.
  const start = typeof value === "string" ? value.slice(0, maximumLength + 1) : value
  return shorten(Option.getOrElse(toJson(start), () => "a deeply nested value"))
}

const isParseJson = (ast: AST.AST): boolean => Option.contains(AST.getTitleAnnotation(ast), "parseJson")

/**
 * The rule of a schema in words: its description, else words for its kind. A schema's name would not help a caller of the
 * API.
 */
const describe = (ast: AST.AST): string =>
  Option.getOrElse(AST.getDescriptionAnnotation(ast), () => {
    switch (ast._tag) {
      case "Transformation":
        return isParseJson(ast) ? "JSON" : describe(ast.from)
      case "Refinement":
        return describe(ast.from)
      case "TypeLiteral":
      case "Declaration":
        return "an object"
      case "TupleType":
        return "an array"
      default:
        return ast.toString()
    }
  })

/** A decoded field is `camelCase`, and its wire name is `snake_case`. */
const wireName = (key: PropertyKey): string => String(key).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

export const first = (issue: ParseResult.ParseIssue): Issue => find(issue, [], Option.none())

/** `expected` is the description of the outermost refinement, because an inner one describes only a part of the rule. */
const find = (
  issue: ParseResult.ParseIssue,
  path: ReadonlyArray<string>,
  expected: Option.Option<string>
): Issue => {
  switch (issue._tag) {
    case "Pointer": {
      const keys = Arr.ensure<PropertyKey>(issue.path)
      // An unknown key has no wire name: the error repeats it as it is, shortened.
      const name = issue.issue._tag === "Unexpected" ? (key: PropertyKey) => shorten(String(key)) : wireName
      return find(issue.issue, path.concat(keys.map(name)), Option.none())
    }
    case "Refinement":
      return find(issue.issue, path, Option.orElse(expected, () => AST.getDescriptionAnnotation(issue.ast)))
    case "Transformation":
      return find(issue.issue, path, expected)
    case "Composite":
      return find("_tag" in issue.issues ? issue.issues : Arr.headNonEmpty(issue.issues), path, expected)
    case "Missing":
      return { path, problem: "it is missing", expected: describe(issue.ast.type) }
    case "Unexpected":
      return { path, problem: "it is not a known field", expected: "left out" }
    case "Type":
    case "Forbidden":
      return {
        path,
        problem: issue.message ?? `got ${show(issue.actual)}`,
        expected: Option.getOrElse(expected, () => describe(issue.ast))
      }
  }
}
