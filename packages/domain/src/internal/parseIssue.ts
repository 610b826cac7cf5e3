import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as AST from "effect/SchemaAST"

/** The first thing that is wrong with a value. */
export interface Finding {
  readonly path: ReadonlyArray<PropertyKey>
  readonly problem: string
  readonly expected: string
}

const maximumLength = 80

/** Throws where a value is nested too deeply to be written. */
const write = Option.liftThrowable((value: unknown): string =>
  typeof value === "string" ? JSON.stringify(value) : Inspectable.toStringUnknown(value, 0)
)

const show = (value: unknown): string => {
  if (Duration.isDuration(value)) return Duration.format(value)
  const text = Option.getOrElse(write(value), () => "a deeply nested value")
  return text.length <= maximumLength ? text : `${text.slice(0, maximumLength)}…`
}

const isParseJson = (ast: AST.AST): boolean => Option.contains(AST.getTitleAnnotation(ast), "parseJson")

/** What a schema takes, in words: its own, or those for its kind, never the name of a schema. */
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

export const first = (issue: ParseResult.ParseIssue): Finding => find(issue, [], Option.none())

/** `expected` is the outermost refinement's description: what the field must be, where an inner one tells half. */
const find = (
  issue: ParseResult.ParseIssue,
  path: ReadonlyArray<PropertyKey>,
  expected: Option.Option<string>
): Finding => {
  switch (issue._tag) {
    case "Pointer":
      return find(issue.issue, path.concat(issue.path), Option.none())
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
