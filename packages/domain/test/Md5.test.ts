import { Md5 } from "@effect-uploads/domain/Md5"
import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const decode = Schema.decodeUnknownSync(Md5)
const encode = Schema.encodeSync(Md5)

const md5 = "d41d8cd98f00b204e9800998ecf8427e"

describe("Md5", () => {
  it("decodes an md5 in either case and encodes it in lower case", () => {
    expect(decode(md5)).toBe(md5)
    expect(decode(md5.toUpperCase())).toBe(md5)
    expect(encode(decode(md5.toUpperCase()))).toBe(md5)
  })

  it("rejects upper case in the type, so that equal checksums are equal strings", () => {
    expect(() => encode(md5.toUpperCase())).toThrow("an md5 checksum of 32 hexadecimal digits in lower case")
  })

  it.each(["", md5.slice(1), `${md5}0`, ` ${md5}`, `${md5}\n`, md5.replace("d", "g"), "1B2M2Y8AsgTpgAmY7PhCfg=="])(
    "rejects the md5 %j",
    (text) => {
      expect(() => decode(text)).toThrow("an md5 checksum of 32 hexadecimal digits")
    }
  )
})
