import { UploadId } from "@effect-uploads/domain/Ids"
import { SecureRandom } from "@effect-uploads/domain/SecureRandom"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const constant = Layer.succeed(SecureRandom, { bytes: (count) => Effect.succeed(new Uint8Array(count).fill(7)) })

describe("SecureRandom", () => {
  it.effect("is the source of multipart boundaries", () =>
    Effect.gen(function*() {
      const contentTypes: Array<string | undefined> = []
      const client = HttpClient.make((request) =>
        Effect.sync(() => {
          contentTypes.push(request.body.contentType)
          const part = { id: "part_1", object: "upload.part", created_at: 1, upload_id: "upload_1" }
          return HttpClientResponse.fromWeb(request, Response.json(part))
        })
      )
      const uploads = yield* Effect.provideService(UploadsClient.make({}), HttpClient.HttpClient, client)
      const addPart = uploads.addPart(UploadId.make("upload_1"), new Uint8Array(1))
      yield* Effect.provide(addPart, constant)
      yield* addPart
      expect(contentTypes[0]).toBe(`multipart/form-data; boundary=${"07".repeat(16)}`)
      expect(contentTypes[1]).toMatch(/boundary=[0-9a-f]{32}$/)
      expect(contentTypes[1]).not.toBe(contentTypes[0])
    }))

  it.effect("is the source of the ids of the in-memory services", () =>
    Effect.gen(function*() {
      const uploads = yield* UploadsService
      const request = { filename: "a.txt", purpose: "user_data", bytes: 1, mimeType: "text/plain" }
      const { id } = yield* uploads.create(request)
      expect(id).toBe(`upload_${"07".repeat(16)}`)
    }).pipe(Effect.provide([Layer.merge(UploadsMemory.layerMemory, FilesMemory.layerMemory), constant])))
})
