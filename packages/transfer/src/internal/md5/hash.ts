import type { Md5 } from "@effect-uploads/domain/Md5"

/** One computation of an md5 by one of the implementations. Both methods block. */
export interface Hash {
  /**
   * The number of bytes that are hashed before the event loop runs other work. They take about 2 ms on a processor of 2024, so
   * that a device that is ten times slower still answers its user at once.
   */
  readonly bytesPerTurn: number
  readonly update: (bytes: Uint8Array) => void
  readonly digest: () => Md5
}
