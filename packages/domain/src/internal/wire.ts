import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/*
 * `Encoded` of each field is its documented wire type, and encoding writes exactly that. Decoding accepts more: responses
 * of services differ from the documentation. These helpers accept the differences without widening `Encoded`.
 */

/** The constant field `object`. Encoding always writes it. Decoding accepts its absence, as in the documented samples. */
export const objectTag = <const Name extends string>(
  name: Name
): Schema.PropertySignature<":", Name, never, ":", Name, true> =>
  Schema.makePropertySignature(Schema.optionalWith(Schema.Literal(name), { default: () => name }).ast)

/** A required field that older responses do not have. */
export const requiredWithFallback = <A, I, R>(
  schema: Schema.Schema<A, I, R>,
  fallback: NoInfer<A>
): Schema.PropertySignature<":", A, never, ":", I, true, R> =>
  Schema.makePropertySignature(Schema.optionalWith(schema, { default: () => fallback }).ast)

/** An optional field. Decoding accepts `null` too; encoding leaves the key out for `None`. */
export const optional = <A, I, R>(
  schema: Schema.Schema<A, I, R>
): Schema.PropertySignature<":", Option.Option<A>, never, "?:", I, true, R> =>
  Schema.makePropertySignature(
    Schema.optionalWith(schema, { as: "Option", nullable: true }).pipe(
      Schema.withConstructorDefault(() => Option.none())
    ).ast
  )

/** An optional field of a request. A caller may pass `undefined`; encoding then leaves the key out. */
export const optionalOfRequest = <A, I, R>(
  schema: Schema.Schema<A, I, R>
): Schema.PropertySignature<"?:", A | undefined, never, "?:", I, false, R> =>
  Schema.optionalToOptional(schema, Schema.UndefinedOr(Schema.typeSchema(schema)), {
    decode: identity,
    encode: Option.filter(Predicate.isNotUndefined)
  })

/** The discriminator `status` of a state. The constructor fills it in. */
export const status = <const Name extends string>(
  name: Name
): Schema.PropertySignature<":", Name, never, ":", Name, true> =>
  Schema.Literal(name).pipe(Schema.propertySignature, Schema.withConstructorDefault(() => name))
