import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/*
 * `Encoded` of a field is its documented wire type, which is what we write. What we read is looser
 * than the documentation; these fields forgive it without widening the type of what is written.
 */

/** The constant `object` of a wire object. Always written; the documentation's own samples leave it out. */
export const objectTag = <const Name extends string>(
  name: Name
): Schema.PropertySignature<":", Name, never, ":", Name, true> =>
  Schema.makePropertySignature(Schema.optionalWith(Schema.Literal(name), { default: () => name }).ast)

/** A required field that older answers leave out. */
export const requiredWithFallback = <A, I, R>(
  schema: Schema.Schema<A, I, R>,
  fallback: NoInfer<A>
): Schema.PropertySignature<":", A, never, ":", I, true, R> =>
  Schema.makePropertySignature(Schema.optionalWith(schema, { default: () => fallback }).ast)

/** An optional field: absent when none, although the service sends `null` as well. */
export const optional = <A, I, R>(
  schema: Schema.Schema<A, I, R>
): Schema.PropertySignature<":", Option.Option<A>, never, "?:", I, true, R> =>
  Schema.makePropertySignature(
    Schema.optionalWith(schema, { as: "Option", nullable: true }).pipe(
      Schema.withConstructorDefault(() => Option.none())
    ).ast
  )

/** An optional field of a request: a caller may say `undefined`, which is never written. */
export const optionalOfRequest = <A, I, R>(
  schema: Schema.Schema<A, I, R>
): Schema.PropertySignature<"?:", A | undefined, never, "?:", I, false, R> =>
  Schema.optionalToOptional(schema, Schema.UndefinedOr(Schema.typeSchema(schema)), {
    decode: identity,
    encode: Option.filter(Predicate.isNotUndefined)
  })

/** The discriminating `status` of a state: the constructor fills it in. */
export const status = <const Name extends string>(
  name: Name
): Schema.PropertySignature<":", Name, never, ":", Name, true> =>
  Schema.Literal(name).pipe(Schema.propertySignature, Schema.withConstructorDefault(() => name))
