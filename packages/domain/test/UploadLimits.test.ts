import { ByteSize } from "@effect-uploads/domain/ByteSize"
import * as UploadLimits from "@effect-uploads/domain/UploadLimits"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const small: UploadLimits.Limits = {
  partBytes: ByteSize.make(1024),
  uploadBytes: ByteSize.make(4096),
  surplusParts: 1,
  parts: 10,
  uploadLifetime: Duration.minutes(5)
}

describe("UploadLimits", () => {
  it("default to 64 MiB for a Part, 8 GiB and 10,000 Parts for an Upload, and a lifetime of one hour", () => {
    expect(UploadLimits.documented.partBytes).toBe(67_108_864)
    expect(UploadLimits.documented.uploadBytes).toBe(8_589_934_592)
    expect(UploadLimits.documented.parts).toBe(10_000)
    expect(Duration.toSeconds(UploadLimits.documented.uploadLifetime)).toBe(3600)
  })

  it.effect("are the documented ones without a layer", () =>
    Effect.gen(function*() {
      expect(yield* UploadLimits.UploadLimits).toBe(UploadLimits.documented)
    }))

  it.effect("are the limits of the layer that provides them", () =>
    Effect.gen(function*() {
      expect(yield* UploadLimits.UploadLimits).toBe(small)
    }).pipe(Effect.provide(Layer.succeed(UploadLimits.UploadLimits, small))))
})
