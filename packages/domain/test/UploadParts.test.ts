import { ByteSize } from "@effect-uploads/domain/ByteSize"
import * as ExpiresAfter from "@effect-uploads/domain/ExpiresAfter"
import { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import * as Timestamp from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import { documented } from "@effect-uploads/domain/UploadLimits"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as UploadParts from "@effect-uploads/domain/UploadParts"
import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"

const createdAt = Timestamp.fromEpochMillis(1_700_000_000_000)

const pending = (bytes: number) =>
  new Upload.Pending({
    id: UploadId.make("upload_1"),
    bytes: ByteSize.make(bytes),
    createdAt,
    expiresAt: DateTime.add(createdAt, { hours: 1 }),
    filename: "data.jsonl",
    purpose: "fine-tune"
  })

const stored = (id: string, bytes: number) => ({
  part: new UploadPart({ id: PartId.make(id), createdAt, uploadId: UploadId.make("upload_1") }),
  bytes
})

const size = (bytes: number) => ByteSize.make(bytes)

describe("UploadParts", () => {
  it("stores twice the declared size, at most the size of an Upload, and the surplus parts", () => {
    const limits = { ...documented, partBytes: size(10), uploadBytes: size(100), surplusParts: 2 }
    expect(UploadParts.maximumReceivedBytes(pending(30), limits)).toBe(80)
    expect(UploadParts.maximumReceivedBytes(pending(60), limits)).toBe(120)
    expect(UploadParts.maximumReceivedBytes(pending(0), { ...limits, surplusParts: 0 })).toBe(0)
    const unlimited = { ...limits, partBytes: size(Number.MAX_SAFE_INTEGER) }
    expect(UploadParts.maximumReceivedBytes(pending(60), unlimited)).toBe(Number.MAX_SAFE_INTEGER)
  })

  it.prop("accepts parts up to the bytes that are stored for the Upload and rejects one more byte", [
    FastCheck.nat(1000),
    FastCheck.nat(3000),
    FastCheck.nat(1000)
  ], ([declared, before, bytes]) => {
    const limits = { ...documented, partBytes: size(100), surplusParts: 3 }
    const limit = 2 * declared + 300
    const result = UploadParts.checkFits(pending(declared), size(before), size(bytes), limits)
    if (before + bytes <= limit) expect(result).toEqual(Either.right(before + bytes))
    else {
      expect(Either.flip(result)).toMatchObject({
        right: { _tag: "UploadSizeExceeded", declared, limit, received: before + bytes }
      })
    }
  })

  it("names the limit that an oversized part exceeds", () => {
    const limits = { ...documented, partBytes: size(10), surplusParts: 1 }
    const next = (received: number) => UploadParts.nextPartLimit(pending(50), size(received), limits)
    expect(next(100).bytes).toBe(10)
    expect(next(100).error()).toMatchObject({ _tag: "PartTooLarge", limit: 10 })
    expect(next(101).bytes).toBe(9)
    expect(next(101).error()).toMatchObject({ _tag: "UploadSizeExceeded", declared: 50, limit: 110 })
  })

  it("orders the listed parts", () => {
    const [a, b, c] = [stored("a", 1), stored("b", 2), stored("c", 3)]
    const order = (bytes: number, ...ids: ReadonlyArray<string>) =>
      UploadParts.orderParts(pending(bytes), [a, b, c], ids.map((id) => PartId.make(id)))
    expect(order(6, "c", "a", "b")).toEqual(Either.right([c, a, b]))
    expect(order(0)).toEqual(Either.right([]))
    expect(Either.flip(order(6, "a", "d"))).toMatchObject({ right: { _tag: "PartNotFound", partId: "d" } })
    expect(Either.flip(order(6, "a"))).toMatchObject({ right: { _tag: "BytesMismatch", declared: 6, received: 1 } })
  })

  it("accepts parts up to the limit of their number", () => {
    const limits = { ...documented, parts: 2 }
    expect(UploadParts.checkCount(1, limits)).toEqual(Either.void)
    expect(Either.flip(UploadParts.checkCount(2, limits))).toMatchObject({
      right: {
        _tag: "InvalidRequest",
        field: "data",
        problem: "the Upload has 2 parts already",
        limit: "a part of an Upload with at most 2 parts"
      }
    })
  })

  it("orders 10,000 parts in less than 50 ms", () => {
    const parts = Array.from({ length: 10_000 }, (_, index) => stored(`part_${index}`, 1))
    const partIds = parts.map(({ part }) => part.id).reverse()
    const before = process.hrtime.bigint()
    expect(Either.map(UploadParts.orderParts(pending(10_000), parts, partIds), (listed) => listed.length)).toEqual(
      Either.right(10_000)
    )
    expect(Number(process.hrtime.bigint() - before) / 1e6).toBeLessThan(50)
  })

  it("counts the lifetime of the File from the creation of the Upload", () => {
    const file = (expiresAfter: Option.Option<ExpiresAfter.ExpiresAfter>) =>
      UploadParts.toFile(pending(3), { id: FileId.make("file-1"), expiresAfter })
    expect(file(Option.none())).toMatchObject({ bytes: 3, createdAt, expiresAt: Option.none(), status: "processed" })
    expect(file(Option.some(ExpiresAfter.maximum)).expiresAt).toEqual(
      Option.some(DateTime.add(createdAt, { days: 30 }))
    )
  })
})
