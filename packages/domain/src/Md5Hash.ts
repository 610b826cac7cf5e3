/**
 * The md5 of bytes that come one after the other.
 *
 * Written out here because it has to run where Node's crypto and compiled WebAssembly do not, and because JavaScript is fast
 * enough at it only when each step is spelled out: some 400 MiB a second. A checksum, nothing to keep a secret with.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1321
 * @since 0.1.0
 */
import type { Md5 } from "./Md5.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Md5Hash {
  readonly update: (bytes: Uint8Array) => void
  /** To be asked once, after the last bytes. */
  readonly digest: () => Md5
}

const blockBytes = 64

/** The constants of the 64 steps. A view, as the block is: what it gives is never `undefined`. */
const constants = new DataView(new ArrayBuffer(4 * 64))
for (let i = 0; i < 64; i++) constants.setInt32(4 * i, Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32))

const step = (mixed: number, a: number, b: number, word: number, constant: number, bits: number): number => {
  const sum = (a + mixed + word + constant) | 0
  return (((sum << bits) | (sum >>> (32 - bits))) + b) | 0
}

/**
 * Mixes a block into the state; `i` counts in bytes. Helpers that fetch words and constants would be more calls than are
 * compiled in place, which takes five times as long.
 */
const mix = (state: DataView, block: DataView, at: number): void => {
  let a = state.getInt32(0, true)
  let b = state.getInt32(4, true)
  let c = state.getInt32(8, true)
  let d = state.getInt32(12, true)
  for (let i = 0; i < 64; i += 16) {
    a = step((b & c) | (~b & d), a, b, block.getInt32(at + i, true), constants.getInt32(i), 7)
    d = step((a & b) | (~a & c), d, a, block.getInt32(at + i + 4, true), constants.getInt32(i + 4), 12)
    c = step((d & a) | (~d & b), c, d, block.getInt32(at + i + 8, true), constants.getInt32(i + 8), 17)
    b = step((c & d) | (~c & a), b, c, block.getInt32(at + i + 12, true), constants.getInt32(i + 12), 22)
  }
  for (let i = 64; i < 128; i += 16) {
    a = step((b & d) | (c & ~d), a, b, block.getInt32(at + ((5 * i + 4) & 63), true), constants.getInt32(i), 5)
    d = step((a & c) | (b & ~c), d, a, block.getInt32(at + ((5 * i + 24) & 63), true), constants.getInt32(i + 4), 9)
    c = step((d & b) | (a & ~b), c, d, block.getInt32(at + ((5 * i + 44) & 63), true), constants.getInt32(i + 8), 14)
    b = step((c & a) | (d & ~a), b, c, block.getInt32(at + ((5 * i + 64) & 63), true), constants.getInt32(i + 12), 20)
  }
  for (let i = 128; i < 192; i += 16) {
    a = step(b ^ c ^ d, a, b, block.getInt32(at + ((3 * i + 20) & 63), true), constants.getInt32(i), 4)
    d = step(a ^ b ^ c, d, a, block.getInt32(at + ((3 * i + 32) & 63), true), constants.getInt32(i + 4), 11)
    c = step(d ^ a ^ b, c, d, block.getInt32(at + ((3 * i + 44) & 63), true), constants.getInt32(i + 8), 16)
    b = step(c ^ d ^ a, b, c, block.getInt32(at + ((3 * i + 56) & 63), true), constants.getInt32(i + 12), 23)
  }
  for (let i = 192; i < 256; i += 16) {
    a = step(c ^ (b | ~d), a, b, block.getInt32(at + ((7 * i) & 63), true), constants.getInt32(i), 6)
    d = step(b ^ (a | ~c), d, a, block.getInt32(at + ((7 * i + 28) & 63), true), constants.getInt32(i + 4), 10)
    c = step(a ^ (d | ~b), c, d, block.getInt32(at + ((7 * i + 56) & 63), true), constants.getInt32(i + 8), 15)
    b = step(d ^ (c | ~a), b, c, block.getInt32(at + ((7 * i + 84) & 63), true), constants.getInt32(i + 12), 21)
  }
  state.setInt32(0, state.getInt32(0, true) + a, true)
  state.setInt32(4, state.getInt32(4, true) + b, true)
  state.setInt32(8, state.getInt32(8, true) + c, true)
  state.setInt32(12, state.getInt32(12, true) + d, true)
}

/** The state before the first block. */
const initial = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (): Md5Hash => {
  const state = new DataView(new ArrayBuffer(16))
  initial.forEach((word, index) => state.setInt32(4 * index, word, true))
  let length = 0
  /** The bytes that do not fill a block yet. */
  const rest = new Uint8Array(blockBytes)
  const restView = new DataView(rest.buffer)

  const update = (bytes: Uint8Array): void => {
    const held = length % blockBytes
    length += bytes.byteLength
    let offset = 0
    if (held > 0) {
      offset = Math.min(blockBytes - held, bytes.byteLength)
      rest.set(bytes.subarray(0, offset), held)
      if (held + offset < blockBytes) return
      mix(state, restView, 0)
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (; offset + blockBytes <= bytes.byteLength; offset += blockBytes) mix(state, view, offset)
    rest.set(bytes.subarray(offset))
  }

  const digest = (): Md5 => {
    // A bit that ends the bytes, and zeros up to the last eight bytes of a block, which are for their number in bits.
    const padding = new Uint8Array(1 + (2 * blockBytes - 9 - (length % blockBytes)) % blockBytes)
    padding[0] = 0x80
    const bits = new DataView(new ArrayBuffer(8))
    bits.setUint32(0, length << 3, true)
    bits.setUint32(4, Math.floor(length / 2 ** 29), true)
    update(padding)
    update(new Uint8Array(bits.buffer))
    return Array.from(new Uint8Array(state.buffer), (byte) => byte.toString(16).padStart(2, "0")).join("")
  }

  return { update, digest }
}
