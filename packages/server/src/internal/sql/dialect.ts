import type { SqlClient } from "@effect/sql/SqlClient"

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

/** Whether the database is a SQLite file of this process, which has to give its unused pages back. */
export const isSqlite = (sql: SqlClient): boolean => sql.onDialectOrElse({ pg: () => false, orElse: () => true })

/** The type of an auto-increment primary key. */
export const autoIncrementKey = (sql: SqlClient) =>
  sql.onDialectOrElse({
    pg: () => sql.literal("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    orElse: () => sql.literal("INTEGER PRIMARY KEY")
  })

/** Whether concurrent commands gain from a shared transaction. PostgreSQL groups commits by itself. */
export const sharesCommits = (sql: SqlClient): boolean => sql.onDialectOrElse({ pg: () => false, orElse: () => true })
