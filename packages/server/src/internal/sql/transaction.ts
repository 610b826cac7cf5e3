import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { begin } from "./dialect.js"

/**
 * Runs an effect in a transaction of its own, which is durable when it succeeds.
 *
 * `sql.withTransaction` turns a failed `COMMIT` into a defect, and a full disk shows there. It is also interruptible: on
 * PostgreSQL an interruption cancels the statement that the connection is executing, even a `ROLLBACK`. Commands are short, so
 * this one is uninterruptible.
 */
export const make = (sql: SqlClient.SqlClient) => {
  const beginStatement = begin(sql)
  return <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
    Effect.flatMap(sql.reserve, (connection) => {
      const execute = (statement: string) => connection.executeUnprepared(statement, [], undefined)
      return execute(beginStatement).pipe(
        Effect.zipRight(Effect.provideService(effect, SqlClient.TransactionConnection, [connection, 0])),
        Effect.zipLeft(execute("COMMIT")),
        // After some errors SQLite has rolled back by itself, and this statement fails.
        Effect.tapErrorCause(() => Effect.ignore(execute("ROLLBACK")))
      )
    }).pipe(Effect.scoped, Effect.uninterruptible)
}
