import type { SqlClient } from "@effect/sql/SqlClient"

/*
 * All in which PostgreSQL and SQLite differ, for this schema and its statements. SQLite has one writer at a time, which is
 * what `begin` waits for.
 */

/** The isolation that is said here does not depend on a setting of the database, and has no serialization failures. */
export const begin = (sql: SqlClient): string =>
  sql.onDialectOrElse({ pg: () => "BEGIN ISOLATION LEVEL READ COMMITTED", orElse: () => "BEGIN IMMEDIATE" })

/** Ends a `SELECT` of a row that the transaction is going to change. */
export const forUpdate = (sql: SqlClient) =>
  sql.onDialectOrElse({ pg: () => sql.literal("FOR UPDATE"), orElse: () => sql.literal("") })

/** The type of a primary key that rises by itself. */
export const rising = (sql: SqlClient) =>
  sql.onDialectOrElse({
    pg: () => sql.literal("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    orElse: () => sql.literal("INTEGER PRIMARY KEY")
  })

/** Whether concurrent commands gain by sharing a transaction: PostgreSQL writes many commits at once by itself. */
export const sharesCommits = (sql: SqlClient): boolean => sql.onDialectOrElse({ pg: () => false, orElse: () => true })
