import type * as CreateUpload from "@effect-uploads/domain/CreateUpload"
import type * as FileObject from "@effect-uploads/domain/FileObject"
import type { UploadId } from "@effect-uploads/domain/Ids"
import type { Timestamp } from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import type { UploadAlreadyCancelled, UploadAlreadyCompleted, UploadExpired } from "@effect-uploads/domain/UploadError"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Either from "effect/Either"
import { pipe } from "effect/Function"
import * as Match from "effect/Match"
import type * as OpenAI from "openai/resources/uploads/uploads"
import { describe, expect, test } from "tstyche"

declare const upload: Upload.Upload
declare const pending: Upload.Pending
declare const completed: Upload.Completed
declare const cancelled: Upload.Cancelled
declare const expired: Upload.Expired
declare const file: FileObject.FileObject
declare const now: DateTime.Utc

describe("Upload", () => {
  test("is the union of four states", () => {
    expect<Upload.Upload>().type.toBe<Upload.Pending | Upload.Completed | Upload.Cancelled | Upload.Expired>()
    expect<Upload.Upload["status"]>().type.toBe<"pending" | "completed" | "cancelled" | "expired">()
    expect<Upload.Pending["status"]>().type.toBe<"pending">()
    expect<Upload.Completed["status"]>().type.toBe<"completed">()
    expect<Upload.Cancelled["status"]>().type.toBe<"cancelled">()
    expect<Upload.Expired["status"]>().type.toBe<"expired">()
  })

  test("no state is assignable to another", () => {
    expect<Upload.Completed>().type.not.toBeAssignableTo<Upload.Pending>()
    expect<Upload.Cancelled>().type.not.toBeAssignableTo<Upload.Pending>()
    expect<Upload.Expired>().type.not.toBeAssignableTo<Upload.Pending>()
    expect<Upload.Pending>().type.not.toBeAssignableTo<Upload.Cancelled>()
    expect<Upload.Cancelled>().type.not.toBeAssignableTo<Upload.Expired>()
  })

  test("only a completed Upload has a file", () => {
    expect<Upload.Completed["file"]>().type.toBe<FileObject.FileObject>()
    expect<Upload.Pending>().type.not.toHaveProperty("file")
    expect<Upload.Cancelled>().type.not.toHaveProperty("file")
    expect<Upload.Expired>().type.not.toHaveProperty("file")
    expect<Upload.Upload>().type.not.toHaveProperty("file")
    if (upload.status === "completed") expect(upload.file).type.toBe<FileObject.FileObject>()
  })

  test("a match by status must cover every state", () => {
    const match = Match.type<Upload.Upload>()
    const of = {
      pending: () => 0n,
      completed: ({ file }: Upload.Completed) => BigInt(file.bytes),
      cancelled: () => 0n
    }
    expect(pipe(match, Match.discriminatorsExhaustive("status")({ ...of, expired: () => 0n }))).type.toBe<
      (u: Upload.Upload) => bigint
    >()
    pipe(
      match,
      // @ts-expect-error Property 'expired' is missing
      Match.discriminatorsExhaustive("status")(of)
    )
  })
})

describe("transitions", () => {
  test("accept a pending Upload and return the state of their name", () => {
    expect(Upload.cancel).type.toBe<(self: Upload.Pending) => Upload.Cancelled>()
    expect(Upload.expire).type.toBe<(self: Upload.Pending) => Upload.Expired>()
    expect(Upload.complete(pending, file)).type.toBe<Upload.Completed>()
    expect(pipe(pending, Upload.complete(file))).type.toBe<Upload.Completed>()
    expect(Upload.create).type.toBe<
      (
        request: CreateUpload.Validated,
        options: { readonly id: UploadId; readonly createdAt: Timestamp; readonly lifetime: Duration.Duration }
      ) => Upload.Pending
    >()
  })

  test("cancel accepts a pending Upload only", () => {
    expect(Upload.cancel).type.toBeCallableWith(pending)
    expect(Upload.cancel).type.not.toBeCallableWith(completed)
    expect(Upload.cancel).type.not.toBeCallableWith(cancelled)
    expect(Upload.cancel).type.not.toBeCallableWith(expired)
    expect(Upload.cancel).type.not.toBeCallableWith(upload)
  })

  test("expire accepts a pending Upload only", () => {
    expect(Upload.expire).type.toBeCallableWith(pending)
    expect(Upload.expire).type.not.toBeCallableWith(completed)
    expect(Upload.expire).type.not.toBeCallableWith(cancelled)
    expect(Upload.expire).type.not.toBeCallableWith(expired)
    expect(Upload.expire).type.not.toBeCallableWith(upload)
  })

  test("complete accepts a pending Upload only, and its File", () => {
    expect(Upload.complete).type.toBeCallableWith(pending, file)
    expect(Upload.complete).type.not.toBeCallableWith(completed, file)
    expect(Upload.complete).type.not.toBeCallableWith(cancelled, file)
    expect(Upload.complete).type.not.toBeCallableWith(expired, file)
    expect(Upload.complete).type.not.toBeCallableWith(upload, file)
    expect(Upload.complete).type.not.toBeCallableWith(pending)
    expect(Upload.complete(file)).type.not.toBeCallableWith(cancelled)
  })

  test("the fields of one state do not construct another", () => {
    expect(Upload.Pending).type.not.toBeConstructableWith({ ...completed, status: "completed" })
    expect(Upload.Completed).type.not.toBeConstructableWith({ ...pending, status: "completed" })
    expect(Upload.Completed).type.toBeConstructableWith({ ...pending, status: "completed", file })
  })

  test("ensurePending returns the pending Upload or one of three errors", () => {
    type Result = Either.Either<Upload.Pending, UploadAlreadyCompleted | UploadAlreadyCancelled | UploadExpired>
    expect(Upload.ensurePending(upload, now)).type.toBe<Result>()
    expect(pipe(upload, Upload.ensurePending(now))).type.toBe<Result>()
  })

  test("at returns an Upload of any state", () => {
    expect(Upload.at(pending, now)).type.toBe<Upload.Upload>()
    expect(pipe(pending, Upload.at(now))).type.toBe<Upload.Upload>()
  })

  test("isUpload narrows unknown", () => {
    expect(Upload.isUpload).type.toBe<(u: unknown) => u is Upload.Upload>()
  })
})

describe("the wire type", () => {
  type Encoded = typeof Upload.Upload.Encoded

  test("equals the type of the official SDK", () => {
    expect<Encoded>().type.toBeAssignableTo<OpenAI.Upload>()
    expect<OpenAI.Upload>().type.toBeAssignableTo<Encoded>()
  })

  test("has a file for a completed Upload only", () => {
    expect<typeof Upload.Completed.Encoded["file"]>().type.toBe<
      typeof FileObject.FileObject.Encoded | null | undefined
    >()
    expect<typeof Upload.Pending.Encoded>().type.not.toHaveProperty("file")
    expect<typeof Upload.Cancelled.Encoded>().type.not.toHaveProperty("file")
    expect<typeof Upload.Expired.Encoded>().type.not.toHaveProperty("file")
  })
})
