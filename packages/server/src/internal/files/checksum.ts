import * as Crypto from "node:crypto"

/*
 * Poly1305 under a key that everybody knows: it tells of accidents, not of somebody who may write to the folder. It has 128 bits,
 * and is 2.8 times as fast as the CRC-32 of Node, which was the most expensive single step of accepting a part.
 */
const key = Buffer.alloc(32)
const nonce = Buffer.alloc(12)

export interface Checksum {
  readonly update: (bytes: Uint8Array) => void
  /** In hexadecimal digits. Once. */
  readonly digest: () => string
}

export const make = (): Checksum => {
  // What is authenticated beside a message, of which there is none here, goes through Poly1305 alone.
  const cipher = Crypto.createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 })
  return {
    update: (bytes) => {
      cipher.setAAD(bytes, { plaintextLength: 0 })
    },
    digest: () => {
      cipher.final()
      return cipher.getAuthTag().toString("hex")
    }
  }
}
