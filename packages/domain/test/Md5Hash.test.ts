import * as Md5Hash from "@effect-uploads/domain/Md5Hash"
import { describe, expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { createHash } from "node:crypto"

const md5Of = (...pieces: ReadonlyArray<Uint8Array>): string => {
  const hash = Md5Hash.make()
  for (const piece of pieces) hash.update(piece)
  return hash.digest()
}

const expected = (...pieces: ReadonlyArray<Uint8Array>): string =>
  createHash("md5").update(Buffer.concat(pieces)).digest("hex")

describe("Md5Hash", () => {
  it.each([
    ["", "d41d8cd98f00b204e9800998ecf8427e"],
    ["a", "0cc175b9c0f1b6a831c399e269772661"],
    ["message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
    ["12345678901234567890".repeat(4), "57edf4a22be3c955ac49da2e2107b67a"]
  ])("gives what RFC 1321 says of %j", (text, md5) => {
    expect(md5Of(new TextEncoder().encode(text))).toBe(md5)
  })

  it("is that of node:crypto at each length around the ends of blocks", () => {
    for (let length = 0; length <= 200; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => index * 31)
      expect(md5Of(bytes)).toBe(expected(bytes))
    }
  })

  it.prop(
    "is that of node:crypto however the bytes are split",
    [FastCheck.array(FastCheck.uint8Array({ maxLength: 300 }), { maxLength: 20 })],
    ([pieces]) => {
      expect(md5Of(...pieces)).toBe(expected(...pieces))
    }
  )

  it("writes the number of bits where it needs more than 32 of them", () => {
    const piece = new Uint8Array(64 * 1024 * 1024)
    const pieces = Array.from({ length: 9 }, () => piece)
    const hash = createHash("md5")
    for (const piece of pieces) hash.update(piece)
    expect(md5Of(...pieces)).toBe(hash.digest("hex"))
  })

  it("hashes the bytes of a view, whatever is around them", () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index)
    expect(md5Of(bytes.subarray(3, 803))).toBe(expected(bytes.subarray(3, 803)))
  })
})
