import { SqlError } from "@effect/sql/SqlError"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type { Reason } from "../../StorageError.js"
import { StorageError } from "../../StorageError.js"

/** By the lowest byte of a SQLite result code, see https://sqlite.org/rescode.html */
const ofSqlite: Record.ReadonlyRecord<string, Reason> = {
  5: "Locked", // SQLITE_BUSY
  6: "Locked", // SQLITE_LOCKED
  8: "ReadOnly", // SQLITE_READONLY
  11: "Corrupt", // SQLITE_CORRUPT
  13: "Full", // SQLITE_FULL
  26: "Corrupt" // SQLITE_NOTADB
}

/** By PostgreSQL error code, see https://www.postgresql.org/docs/current/errcodes-appendix.html */
const ofPostgres: Record.ReadonlyRecord<string, Reason> = {
  "25006": "ReadOnly", // read_only_sql_transaction
  "53100": "Full", // disk_full
  "55P03": "Locked", // lock_not_available
  "XX001": "Corrupt", // data_corrupted
  "XX002": "Corrupt" // index_corrupted
}

const isOfSqlite = Schema.is(Schema.Struct({ rawCode: Schema.Number }))

const isOfPostgres = Schema.is(Schema.Struct({ code: Schema.String }))

const reasonOf = (cause: unknown): Option.Option<Reason> => {
  if (isOfSqlite(cause)) return Record.get(ofSqlite, String(cause.rawCode & 0xff))
  return isOfPostgres(cause) ? Record.get(ofPostgres, cause.code) : Option.none()
}

/** A row that cannot be decoded is `Corrupt`. */
export const toStorageError = (operation: string) => (error: unknown): StorageError => {
  if (ParseResult.isParseError(error)) {
    return new StorageError({ store: "database", reason: "Corrupt", operation, cause: error })
  }
  const cause = error instanceof SqlError ? error.cause ?? error : error
  if (cause instanceof StorageError) return cause
  return new StorageError({
    store: "database",
    reason: Option.getOrElse(reasonOf(cause), () => "Failed" as const),
    operation,
    cause
  })
}
