import * as Either from "effect/Either"

/** Decodes data as it arrives. The error says what is wrong with it. */
export interface Decoder {
  readonly decode: (chunk: Uint8Array) => Either.Either<Uint8Array, string>
  readonly end: () => Either.Either<void, string>
}

const identity: Decoder = { decode: Either.right, end: () => Either.void }

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
const pad = 64
const space = 65
const unknown = 66

/** The value of each byte: six bits, or one of the constants above. */
const values = new Uint8Array(256).fill(unknown)
for (const [value, character] of [...alphabet, "="].entries()) values[character.charCodeAt(0)] = value
for (const character of " \t\r\n") values[character.charCodeAt(0)] = space

const valueAt = (chunk: Uint8Array, index: number): number => values[chunk[index] ?? 0] ?? unknown

/** Four characters encode three bytes. One or two of the last four may be padding. */
const makeBase64 = (): Decoder => {
  let bits = 0
  let characters = 0
  let pads = 0
  const decode = (chunk: Uint8Array): Either.Either<Uint8Array, string> => {
    const bytes = new Uint8Array(Math.ceil((characters + chunk.byteLength) / 4) * 3)
    let length = 0
    for (let index = 0; index < chunk.byteLength; index++) {
      // The fast path: four characters at once.
      if (characters === 0) {
        for (; index + 4 <= chunk.byteLength; index += 4) {
          const a = valueAt(chunk, index)
          const b = valueAt(chunk, index + 1)
          const c = valueAt(chunk, index + 2)
          const d = valueAt(chunk, index + 3)
          if ((a | b | c | d) >= pad) break
          bytes[length++] = (a << 2) | (b >> 4)
          bytes[length++] = (b << 4) | (c >> 2)
          bytes[length++] = (c << 6) | d
        }
        if (index === chunk.byteLength) break
      }
      const value = valueAt(chunk, index)
      if (value === space) continue
      if (value === unknown) return Either.left("it has a character that base64 has not")
      if (value === pad ? characters < 2 || characters + pads === 4 : pads > 0) {
        return Either.left("its base64 has padding where none can be")
      }
      if (value === pad) pads++
      else {
        bits = (bits << 6) | value
        characters++
      }
      if (characters + pads < 4) continue
      bits <<= 6 * pads
      bytes[length] = bits >> 16
      bytes[length + 1] = bits >> 8
      bytes[length + 2] = bits
      length += 3 - pads
      bits = 0
      // Padding is kept, so that anything after it is an error.
      if (pads === 0) characters = 0
    }
    return Either.right(bytes.subarray(0, length))
  }
  return {
    decode,
    end: () => characters + pads === 0 || characters + pads === 4 ? Either.void : Either.left("its base64 is cut off")
  }
}

/** The supported encodings by name. `quoted-printable` is left out: it is for text, and no client sends a file in it. */
export const decoders: ReadonlyMap<string, () => Decoder> = new Map([
  ["binary", () => identity],
  ["8bit", () => identity],
  ["7bit", () => identity],
  ["base64", makeBase64]
])
