import { ByteSize } from "@effect-uploads/domain/ByteSize"
import * as UploadLimits from "@effect-uploads/domain/UploadLimits"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const small: UploadLimits.Limits = {
  partBytes: ByteSize.make(1024),
  uploadBytes: ByteSize.make(4096),
  uploadLifetime: Duration.minutes(5)
}

describe("UploadLimits", () => {
  it("are documented as 64 MiB a Part, 8 GiB an Upload, and one hour", () => {
    expect(UploadLimits.documented.partBytes).toBe(67_108_864)
    expect(UploadLimits.documented.uploadBytes).toBe(8_589_934_592)
    expect(Duration.toSeconds(UploadLimits.documented.uploadLifetime)).toBe(3600)
  })

  it.effect("are the documented ones where nothing provides others", () =>
    Effect.gen(function*() {
      expect(yield* UploadLimits.UploadLimits).toBe(UploadLimits.documented)
    }))

  it.effect("are those that a layer provides", () =>
    Effect.gen(function*() {
      expect(yield* UploadLimits.UploadLimits).toBe(small)
    }).pipe(Effect.provide(Layer.succeed(UploadLimits.UploadLimits, small))))
})
