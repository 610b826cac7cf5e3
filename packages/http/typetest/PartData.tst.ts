import type { ByteSize } from "@effect-uploads/domain/ByteSize"
import type { UploadId } from "@effect-uploads/domain/Ids"
import type { InvalidRequest, PartTooLarge } from "@effect-uploads/domain/UploadError"
import * as PartData from "@effect-uploads/http/PartData"
import type { PlatformError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import { describe, expect, test } from "tstyche"

declare const data: PartData.PartData
declare const bytes: Stream.Stream<Uint8Array, TypeError>
declare const streamed: PartData.PartStream
declare const arriving: PartData.PartData
declare const numbers: Stream.Stream<number>
declare const needy: Stream.Stream<Uint8Array, never, FileSystem.FileSystem>
declare const options: { readonly uploadId: UploadId; readonly limit: ByteSize }

describe("PartData", () => {
  test("is bytes, a Blob, or what a constructor makes", () => {
    expect<Uint8Array>().type.toBeAssignableTo<PartData.PartData>()
    expect<Buffer>().type.toBeAssignableTo<PartData.PartData>()
    expect<Blob>().type.toBeAssignableTo<PartData.PartData>()
    expect<File>().type.toBeAssignableTo<PartData.PartData>()
    expect(PartData.stream(bytes, { bytes: 10 })).type.toBe<PartData.PartStream>()
    expect(PartData.file("part.bin")).type.toBe<
      Effect.Effect<PartData.PartFile, PlatformError, FileSystem.FileSystem>
    >()
    expect(PartData.file("part.bin", { offset: 10, bytes: 20 })).type.toBe<
      Effect.Effect<PartData.PartFile, PlatformError, FileSystem.FileSystem>
    >()
    expect(PartData.withProgress(streamed, () => {})).type.toBe<PartData.PartWithProgress>()
    expect<PartData.PartData>().type.toBe<
      | Uint8Array
      | Blob
      | PartData.PartStream
      | PartData.PartFile
      | PartData.PartWithProgress
      | PartData.PartIncoming
    >()
  })

  test("is no text, no number, no bare stream, and nothing that cannot be read again without being named", () => {
    expect<string>().type.not.toBeAssignableTo<PartData.PartData>()
    expect<number>().type.not.toBeAssignableTo<PartData.PartData>()
    expect<ReadonlyArray<number>>().type.not.toBeAssignableTo<PartData.PartData>()
    expect<ArrayBuffer>().type.not.toBeAssignableTo<PartData.PartData>()
    expect<ReadableStream<Uint8Array>>().type.not.toBeAssignableTo<PartData.PartData>()
    expect<Stream.Stream<Uint8Array>>().type.not.toBeAssignableTo<PartData.PartData>()
    expect<undefined>().type.not.toBeAssignableTo<PartData.PartData>()
  })

  test("a stream is one of bytes, with its length, and needs nothing", () => {
    expect(PartData.stream).type.toBeCallableWith(bytes, { bytes: 10 })
    expect(PartData.stream).type.not.toBeCallableWith(bytes)
    expect(PartData.stream).type.not.toBeCallableWith(bytes, {})
    expect(PartData.stream).type.not.toBeCallableWith(numbers, { bytes: 10 })
    expect(PartData.stream).type.not.toBeCallableWith(needy, { bytes: 10 })
  })

  test("only what can be read again, in chunks, can report progress", () => {
    expect(PartData.withProgress).type.toBeCallableWith(streamed, () => {})
    expect(PartData.withProgress).type.not.toBeCallableWith(arriving, () => {})
    expect(PartData.withProgress).type.not.toBeCallableWith(new Uint8Array(1), () => {})
  })

  test("what arrives once fails as its reader says", () => {
    expect(PartData.incoming).type.not.toBeCallableWith(bytes)
    expect(PartData.incoming).type.toBe<
      (stream: Stream.Stream<Uint8Array, PartData.PartUnreadable | InvalidRequest>) => PartData.PartData
    >()
  })

  test("is read with errors of its own", () => {
    expect(PartData.length(data)).type.toBe<Option.Option<number>>()
    expect(PartData.validate(data, options)).type.toBe<
      Either.Either<Option.Option<ByteSize>, InvalidRequest | PartTooLarge>
    >()
    expect(PartData.toStream(data)).type.toBe<
      Stream.Stream<Uint8Array, PartData.PartUnreadable | PartData.PartLengthMismatch | InvalidRequest>
    >()
    expect(PartData.collect(data, { limit: 1, tooLarge: () => "too large" as const })).type.toBe<
      Effect.Effect<
        ReadonlyArray<Uint8Array>,
        PartData.PartUnreadable | PartData.PartLengthMismatch | InvalidRequest | "too large"
      >
    >()
    expect<PartData.PartDataError["_tag"]>().type.toBe<"PartUnreadable" | "PartLengthMismatch">()
  })
})
