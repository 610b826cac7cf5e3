import { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const suite = <A extends string>(name: string, schema: Schema.Schema<A, string>) =>
  describe(name, () => {
    const decode = Schema.decodeUnknownSync(schema)

    it.each(["upload_68c0a1b2c3d4e5f60718293a4b5c6d7e", "1", "a/../b?x=1", " ", "é", "__proto__"])(
      "keeps the id %j unchanged",
      (id) => {
        expect(decode(id)).toBe(id)
      }
    )

    it.each(["", 1, null, undefined])("rejects the id %j", (id) => {
      expect(() => decode(id)).toThrow()
    })
  })

suite("UploadId", UploadId)
suite("PartId", PartId)
suite("FileId", FileId)
