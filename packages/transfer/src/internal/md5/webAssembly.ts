import { createMD5 } from "hash-wasm"
import type { Hash } from "./hash.js"

/**
 * A hash in WebAssembly. Rejects where none may be compiled: in workerd, and in a page whose Content-Security-Policy does not have
 * `wasm-unsafe-eval`.
 */
export const make = async (): Promise<Hash> => {
  const hash = await createMD5()
  hash.init()
  return {
    bytesPerTurn: 1024 * 1024,
    update: (bytes) => {
      hash.update(bytes)
    },
    digest: () => hash.digest()
  }
}
