import { afterEach, expect } from "@effect/vitest"

/*
 * A setup file: fails a test in which an emitter gets more than ten listeners of an event, for example one for each request of a
 * connection. Node warns of it once for an emitter.
 */

const warnings: Array<string> = []

process.on("warning", ({ message, name }) => {
  if (name === "MaxListenersExceededWarning") warnings.push(message)
})

afterEach(() => {
  expect(warnings.splice(0)).toEqual([])
})
