import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { resembles } from "../similarKey.js"

/** The most keys of an object of a request. */
const maximumKeys = 100

/** The length at which a key in an error message is cut, in characters. */
const maximumKeyLength = 80

type Check = (value: unknown, path: ReadonlyArray<string>) => Either.Either<void, InvalidRequest>

const accept: Check = () => Either.void

const checkOf = (ast: AST.AST): Check => {
  if (AST.isUnion(ast)) {
    const checks = ast.types.map(checkOf).filter((check) => check !== accept)
    return checks.length === 0
      ? accept
      : (value, path) => Either.map(Either.all(checks.map((check) => check(value, path))), () => undefined)
  }
  if (!AST.isTypeLiteral(ast) || ast.propertySignatures.length === 0) return accept
  const fields = new Map(ast.propertySignatures.map(({ name, type }) => [String(name), checkOf(type)]))
  const resemblesField = resembles([...fields.keys()])
  return (value, path) =>
    Either.gen(function*() {
      if (!Predicate.isRecord(value)) return
      const keys = Object.keys(value)
      if (keys.length > maximumKeys) {
        return yield* Either.left(
          new InvalidRequest({
            ...(path.length === 0 ? {} : { field: path.join(".") }),
            problem: `it has ${keys.length} keys`,
            limit: `an object of at most ${maximumKeys} keys`
          })
        )
      }
      for (const key of keys) {
        const check = fields.get(key)
        if (check !== undefined) yield* check(value[key], [...path, key])
        else if (resemblesField(key)) {
          yield* Either.left(
            new InvalidRequest({
              field: [...path, key.slice(0, maximumKeyLength)].join("."),
              problem: "it is not a field of this request",
              limit: `one of ${[...fields.keys()].join(", ")}`
            })
          )
        }
      }
    })
}

/** Rejects a value with an unknown key that resembles a key of the schema, at any depth of its objects. */
export const make = <A, I>(schema: Schema.Schema<A, I>): (value: unknown) => Either.Either<void, InvalidRequest> => {
  const check = checkOf(AST.encodedAST(schema.ast))
  return (value) => check(value, [])
}
