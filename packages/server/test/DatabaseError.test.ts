import { SqlError } from "@effect/sql/SqlError"
import { expect, it } from "@effect/vitest"
import { toStorageError } from "../src/internal/sql/databaseError.js"

const reasonOf = (cause: object) => toStorageError("test")(new SqlError({ cause })).reason

it("a database error has the reason that its code stands for", () => {
  // Primary codes of SQLite, and extended ones: SQLITE_BUSY_SNAPSHOT, SQLITE_READONLY_DIRECTORY, SQLITE_CORRUPT_INDEX.
  const sqlite = { 5: "Locked", 517: "Locked", 6: "Locked", 8: "ReadOnly", 1544: "ReadOnly", 13: "Full" }
  const broken = { 11: "Corrupt", 779: "Corrupt", 26: "Corrupt", 10: "Failed", 1555: "Failed" }
  for (const [rawCode, reason] of Object.entries({ ...sqlite, ...broken })) {
    expect(reasonOf({ code: "SQLITE_OF_SOME_KIND", rawCode: Number(rawCode) }), rawCode).toBe(reason)
  }
  const postgres = { "53100": "Full", "25006": "ReadOnly", "55P03": "Locked", "XX001": "Corrupt", "23505": "Failed" }
  for (const [code, reason] of Object.entries(postgres)) expect(reasonOf({ code }), code).toBe(reason)
  expect(reasonOf({ code: "toString" })).toBe("Failed")
  expect(reasonOf(new Error("of no kind"))).toBe("Failed")
})

it("a database error keeps the error of the driver as its cause", () => {
  const cause = new Error("disk I/O error")
  const error = toStorageError("UploadRepository.ping")(new SqlError({ cause, message: "Failed to execute statement" }))
  expect(error).toMatchObject({ store: "database", operation: "UploadRepository.ping", cause })
  expect(error.message).toContain("disk I/O error")
})
