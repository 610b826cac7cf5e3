import type { ByteSize } from "@effect-uploads/domain/ByteSize"
import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import type { PartId } from "@effect-uploads/domain/Ids"
import type * as Upload from "@effect-uploads/domain/Upload"
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import { documented } from "@effect-uploads/domain/UploadLimits"
import type * as Duration from "effect/Duration"
import type * as Either from "effect/Either"
import type * as OpenAI from "openai/resources/uploads/uploads"
import { describe, expect, test } from "tstyche"

declare const request: CreateUpload.CreateUpload
declare const completion: CompleteUpload.CompleteUpload

describe("CreateUpload", () => {
  test("has fields of plain types", () => {
    expect<CreateUpload.CreateUpload>().type.toBeAssignableFrom<{
      filename: string
      purpose: "assistants"
      bytes: number
      mimeType: string
      expiresAfter: Duration.Duration | undefined
    }>()
  })

  test("decodes requests of the official SDK and encodes requests that it accepts, except for unknown purposes", () => {
    type Encoded = typeof CreateUpload.CreateUpload.Encoded
    expect<OpenAI.UploadCreateParams>().type.toBeAssignableTo<Encoded>()
    expect<Omit<Encoded, "purpose">>().type.toBeAssignableTo<Omit<OpenAI.UploadCreateParams, "purpose">>()
  })

  test("validate returns a request with a ByteSize or InvalidRequest", () => {
    expect(CreateUpload.validate(request, documented)).type.toBe<
      Either.Either<CreateUpload.Validated, InvalidRequest>
    >()
    expect<CreateUpload.Validated["bytes"]>().type.toBe<ByteSize>()
    expect<CreateUpload.Validated>().type.toBeAssignableTo<CreateUpload.CreateUpload>()
  })

  test("an Upload can be created from a validated request only", () => {
    expect<CreateUpload.CreateUpload>().type.not.toBeAssignableTo<Parameters<typeof Upload.create>[0]>()
    expect<CreateUpload.Validated>().type.toBeAssignableTo<Parameters<typeof Upload.create>[0]>()
  })
})

describe("CompleteUpload", () => {
  test("lists ids of parts", () => {
    expect<CompleteUpload.CompleteUpload["partIds"]>().type.toBe<ReadonlyArray<PartId>>()
  })

  test("decodes requests of the official SDK", () => {
    expect<OpenAI.UploadCompleteParams>().type.toBeAssignableTo<typeof CompleteUpload.CompleteUpload.Encoded>()
  })

  test("validate returns the request or InvalidRequest", () => {
    expect(CompleteUpload.validate(completion, documented)).type.toBe<
      Either.Either<CompleteUpload.CompleteUpload, InvalidRequest>
    >()
  })
})
