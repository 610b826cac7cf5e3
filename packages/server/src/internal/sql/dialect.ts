import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"

/*
 * The differences between PostgreSQL and SQLite that matter to this schema and its statements. SQLite has one writer at a
 * time, and `begin` waits for it.
 */

/** The explicit isolation level does not depend on a setting of the database, and has no serialization failures. */
export const begin = (sql: SqlClient): string =>
  sql.onDialectOrElse({ pg: () => "BEGIN ISOLATION LEVEL READ COMMITTED", orElse: () => "BEGIN IMMEDIATE" })

/** The end of a `SELECT` whose row the transaction is going to change. */
export const forUpdate = (sql: SqlClient) =>
  sql.onDialectOrElse({ pg: () => sql.literal("FOR UPDATE"), orElse: () => sql.literal("") })

/** The type of an auto-increment primary key. */
export const autoIncrementKey = (sql: SqlClient) =>
  sql.onDialectOrElse({
    pg: () => sql.literal("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    orElse: () => sql.literal("INTEGER PRIMARY KEY")
  })

/**
 * Truncates a SQLite file by up to 1000 unused pages of 4 KiB, which takes a few milliseconds. PostgreSQL reuses space by itself.
 */
export const releaseSpace = (sql: SqlClient): Effect.Effect<unknown, SqlError> =>
  sql.onDialectOrElse({ pg: () => Effect.void, orElse: () => sql`PRAGMA incremental_vacuum(1000)`.unprepared })

/** Whether concurrent commands gain from a shared transaction. PostgreSQL groups commits by itself. */
export const sharesCommits = (sql: SqlClient): boolean => sql.onDialectOrElse({ pg: () => false, orElse: () => true })
