import { TransactionConnection } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Statement } from "@effect/sql/Statement"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"

/**
 * Runs a statement of a transaction. Where tracing is disabled the statement goes to the connection of the transaction directly.
 * A `Statement` by itself makes a span and a scope, which take longer than the statement on SQLite.
 */
export const execute = <A extends object>(statement: Statement<A>): Effect.Effect<ReadonlyArray<unknown>, SqlError> =>
  Effect.withFiberRuntime((fiber) => {
    const transaction = Context.getOption(fiber.currentContext, TransactionConnection)
    if (Option.isNone(transaction) || fiber.getFiberRef(FiberRef.currentTracerEnabled)) return statement
    const [connection] = transaction.value
    const [text, params] = statement.compile()
    return connection.execute(text, params, undefined)
  })
