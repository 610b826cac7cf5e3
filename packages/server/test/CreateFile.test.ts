import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { FileId } from "@effect-uploads/domain/Ids"
import { documented, UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { FilesService } from "@effect-uploads/http/FilesService"
import { pattern } from "@effect-uploads/http/test/contract"
import { served, url } from "@effect-uploads/http/test/server"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import OpenAI, { toFile } from "openai"
import { durable } from "./support/stores.js"

const limits = Layer.succeed(UploadLimits, { ...documented, partBytes: ByteSize.make(100_000) })

it.effect("POST /files stores a durable File of several parts", () =>
  Effect.gen(function*() {
    const data = pattern(350_000)
    const sdk = new OpenAI({ apiKey: "any", baseURL: yield* url, maxRetries: 0 })
    const created = yield* Effect.promise(async () =>
      sdk.files.create({
        file: await toFile(data, "../данные.jsonl"),
        purpose: "fine-tune",
        expires_after: { anchor: "created_at", seconds: 3600 }
      })
    )
    expect(created).toMatchObject({ bytes: data.length, filename: "данные.jsonl", purpose: "fine-tune" })
    const files = yield* FilesService
    const chunks = yield* Stream.runCollect(files.content(FileId.make(created.id)))
    expect(Buffer.concat([...chunks]).equals(data)).toBe(true)
  }).pipe(Effect.provide(Layer.provideMerge(served, durable).pipe(Layer.provide(limits)))))
