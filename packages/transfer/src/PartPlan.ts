/**
 * Divides a file into parts.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import * as Either from "effect/Either"

/**
 * One part of a file: `bytes` bytes from `offset`. The first part has index 0.
 *
 * @since 0.1.0
 * @category models
 */
export interface PartRange {
  readonly index: number
  readonly offset: number
  readonly bytes: number
}

/** Below this size a part costs more time for its request than for its bytes. */
const minimumDefault = 1024 * 1024

const smallestPart = (bytes: number, { parts }: Limits) => Math.ceil(bytes / parts)

/** Up to this number of rounds, parts of equal size are worth it: the last round has no idle connection. */
const balancedRounds = 2

/**
 * The most bytes that the parts of one Upload can have.
 *
 * @example
 * ```ts
 * import * as PartPlan from "@effect-uploads/transfer/PartPlan"
 * import { documented } from "@effect-uploads/domain/UploadLimits"
 *
 * // 8 GiB: the limit of an Upload is below 10,000 parts of 64 MiB
 * export const bytes = PartPlan.maximumBytes(documented)
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const maximumBytes = ({ partBytes, parts, uploadBytes }: Limits): ByteSize =>
  ByteSize.make(Math.min(uploadBytes, partBytes * parts))

/**
 * The default part size in bytes. Up to two rounds of `concurrency` parts, all parts have the same size: at least 1 MiB, and at
 * least so much that the Upload has no more parts than its limit. A larger file has the largest parts that the service accepts.
 *
 * @example
 * ```ts
 * import * as PartPlan from "@effect-uploads/transfer/PartPlan"
 * import { documented } from "@effect-uploads/domain/UploadLimits"
 *
 * // 10 MiB in four parts of 2.5 MiB
 * export const partSize = PartPlan.defaultPartSize(10 * 1024 * 1024, 4, documented)
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const defaultPartSize = (bytes: number, concurrency: number, limits: Limits): number => {
  const rounds = Math.max(1, Math.ceil(bytes / (concurrency * limits.partBytes)))
  if (rounds > balancedRounds) return limits.partBytes
  const least = Math.max(minimumDefault, smallestPart(bytes, limits))
  return Math.min(Math.max(Math.ceil(bytes / (concurrency * rounds)), least), limits.partBytes)
}

const wholeNumber = (field: string, value: number, most: number) =>
  Number.isInteger(value) && value >= 1 && value <= most
    ? Either.void
    : Either.left(new InvalidRequest({ field, problem: `got ${value}`, limit: `a whole number from 1 to ${most}` }))

const withinPartLimit = (bytes: number, partSize: number, limits: Limits) => {
  const parts = Math.ceil(bytes / partSize)
  if (parts <= limits.parts) return Either.void
  const most = maximumBytes(limits)
  return Either.left(
    bytes > most
      ? new InvalidRequest({ field: "bytes", problem: `got ${bytes}`, limit: `${most}, in ${limits.parts} parts` })
      : new InvalidRequest({
        field: "partSize",
        problem: `got ${partSize}, which makes ${parts} parts of ${bytes} bytes`,
        limit: `at least ${smallestPart(bytes, limits)}, because an Upload has at most ${limits.parts} parts`
      })
  )
}

/** HTTP clients do not keep more connections than this. */
const maximumConcurrency = 256

/**
 * Divides a file into parts that cover each of its bytes once, in their order. Fails with `InvalidRequest` when `concurrency`
 * or `partSize` is out of range, or when there would be more parts than an Upload can have.
 *
 * @example
 * ```ts
 * import { ByteSize } from "@effect-uploads/domain/ByteSize"
 * import { documented } from "@effect-uploads/domain/UploadLimits"
 * import * as PartPlan from "@effect-uploads/transfer/PartPlan"
 *
 * export const parts = PartPlan.make({
 *   bytes: ByteSize.make(2500),
 *   partSize: 1000,
 *   concurrency: 4,
 *   limits: documented
 * })
 * ```
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
    yield* withinPartLimit(bytes, partSize, limits)
    return Array.from({ length: Math.ceil(bytes / partSize) }, (_, index) => ({
      index,
      offset: index * partSize,
      bytes: Math.min(partSize, bytes - index * partSize)
    }))
  })
