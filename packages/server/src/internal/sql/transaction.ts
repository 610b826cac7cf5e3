import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { begin } from "./dialect.js"

/**
 * Runs an effect in a transaction of its own, which is durable when it succeeds.
 *
 * `sql.withTransaction` makes a defect of a failed `COMMIT`, and that is where a full disk shows. It can be interrupted, too:
 * on PostgreSQL that cancels whatever the connection is executing by then, be it the `ROLLBACK`. Commands take so little
 * time that waiting for them is better.
 */
export const make = (sql: SqlClient.SqlClient) => {
  const beginning = begin(sql)
  return <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
    Effect.flatMap(sql.reserve, (connection) => {
      const execute = (statement: string) => connection.executeUnprepared(statement, [], undefined)
      return execute(beginning).pipe(
        Effect.zipRight(Effect.provideService(effect, SqlClient.TransactionConnection, [connection, 0])),
        Effect.zipLeft(execute("COMMIT")),
        // SQLite has done it by itself after some errors, and then refuses.
        Effect.tapErrorCause(() => Effect.ignore(execute("ROLLBACK")))
      )
    }).pipe(Effect.scoped, Effect.uninterruptible)
}
