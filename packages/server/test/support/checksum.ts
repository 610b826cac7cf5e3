import * as Crypto from "node:crypto"

/** Poly1305 of all bytes at once. */
export const checksum = (bytes: Uint8Array): string => {
  const cipher = Crypto.createCipheriv("chacha20-poly1305", new Uint8Array(32), new Uint8Array(12), {
    authTagLength: 16
  })
  cipher.setAAD(bytes, { plaintextLength: 0 }).final()
  return cipher.getAuthTag().toString("hex")
}
