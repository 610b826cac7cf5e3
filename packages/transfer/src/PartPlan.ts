/**
 * How a file is cut into parts.
 *
 * @since 0.1.0
 */
import type { ByteSize } from "@effect-uploads/domain/ByteSize"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import * as Either from "effect/Either"

/**
 * A part of a file: `bytes` bytes from `offset`, the `index`th from 0.
 *
 * @since 0.1.0
 * @category models
 */
export interface PartRange {
  readonly index: number
  readonly offset: number
  readonly bytes: number
}

/** Below this, what a service spends on a part weighs more than its bytes. */
const smallestDefault = 1024 * 1024

/** With so many parts a lane, no lane waits long for the last one. */
const roundsToBalance = 2

/**
 * The size of the parts where none is asked for: a file of middling size is cut so that all lanes have the same to do, a big
 * one into the largest parts that the service takes.
 *
 * @since 0.1.0
 * @category combinators
 */
export const defaultPartSize = (bytes: number, concurrency: number, limits: Limits): number => {
  const rounds = Math.max(1, Math.ceil(bytes / (concurrency * limits.partBytes)))
  if (rounds > roundsToBalance) return limits.partBytes
  return Math.min(Math.max(Math.ceil(bytes / (concurrency * rounds)), smallestDefault), limits.partBytes)
}

const wholeNumber = (field: string, value: number, most: number) =>
  Number.isInteger(value) && value >= 1 && value <= most
    ? Either.void
    : Either.left(new InvalidRequest({ field, problem: `got ${value}`, limit: `a whole number from 1 to ${most}` }))

/** More requests at a time than any HTTP client keeps connections for. */
const maximumConcurrency = 256

/**
 * The parts of a file, which cover each of its bytes once and in order.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: {
  readonly bytes: ByteSize
  readonly concurrency: number
  readonly partSize?: number | undefined
  readonly limits: Limits
}): Either.Either<ReadonlyArray<PartRange>, InvalidRequest> =>
  Either.gen(function*() {
    const { bytes, concurrency, limits } = options
    yield* wholeNumber("concurrency", concurrency, maximumConcurrency)
    const partSize = options.partSize ?? defaultPartSize(bytes, concurrency, limits)
    yield* wholeNumber("partSize", partSize, limits.partBytes)
    return Array.from({ length: Math.ceil(bytes / partSize) }, (_, index) => ({
      index,
      offset: index * partSize,
      bytes: Math.min(partSize, bytes - index * partSize)
    }))
  })
