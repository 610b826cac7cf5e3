import * as SqliteClient from "@effect-uploads/server/SqliteClient"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { describe, expect, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as GroupCommit from "../src/internal/sql/groupCommit.js"

/** Counts what ends transactions, and holds the next `COMMIT` back while `gate` is closed. */
const observed = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE numbers (n INTEGER PRIMARY KEY)`
  const ends: Array<string> = []
  let gate: Effect.Effect<unknown> = Effect.void
  const reserve = Effect.map(sql.reserve, (connection): Connection => ({
    ...connection,
    executeUnprepared: (statement, params, transform) => {
      const executed = connection.executeUnprepared(statement, params, transform)
      if (!["COMMIT", "ROLLBACK"].includes(statement)) return executed
      return Effect.suspend(() => {
        ends.push(statement)
        return statement === "COMMIT" ? Effect.zipRight(gate, executed) : executed
      })
    }
  }))
  const client = new Proxy(sql, {
    get: (target, key) => key === "reserve" ? reserve : Reflect.get(target, key)
  })
  const insert = (n: number) => sql`INSERT INTO numbers ${sql.insert({ n })}`
  const numbers = Effect.map(sql<{ n: number }>`SELECT n FROM numbers ORDER BY n`, Arr.map(({ n }) => n))
  return {
    client,
    ends,
    insert,
    numbers,
    /** Until the effect in it is run. */
    closeGate: Effect.gen(function*() {
      const opened = yield* Deferred.make<void>()
      const reached = yield* Deferred.make<void>()
      gate = Effect.zipRight(Deferred.succeed(reached, undefined), Deferred.await(opened))
      const open = Effect.suspend(() => {
        gate = Effect.void
        return Deferred.succeed(opened, undefined)
      })
      return { open, reached: Deferred.await(reached) }
    })
  }
})

const test = <A, E>(title: string, effect: () => Effect.Effect<A, E, SqlClient.SqlClient | Scope.Scope>) =>
  it.scoped(title, () => Effect.provide(effect(), SqliteClient.layer({ filename: ":memory:" })))

const unbounded = { concurrency: "unbounded" } as const

describe("group commit", () => {
  test("commits the commands that arrive during a commit together", () =>
    Effect.gen(function*() {
      const { client, closeGate, ends, insert, numbers } = yield* observed
      const commit = yield* GroupCommit.make(client)
      const gate = yield* closeGate
      const first = yield* Effect.fork(commit(insert(1)))
      yield* gate.reached
      const others = yield* Effect.fork(Effect.forEach(Arr.range(2, 600), (n) => commit(insert(n)), unbounded))
      yield* Effect.repeatN(Effect.yieldNow(), 10)
      expect(first.unsafePoll()).toBe(null)
      yield* gate.open
      yield* Fiber.join(Fiber.zip(first, others))
      // 1, four times 128, and 87 of them.
      expect(ends).toEqual(Arr.replicate("COMMIT", 6))
      expect(yield* numbers).toEqual(Arr.range(1, 600))
    }))

  test("commits the other commands when one command fails", () =>
    Effect.gen(function*() {
      const { client, ends, insert, numbers } = yield* observed
      const commit = yield* GroupCommit.make(client)
      yield* commit(insert(3))
      ends.length = 0
      const replies = yield* Effect.forEach(
        Arr.range(1, 5),
        (n) => Effect.exit(commit(n === 4 ? Effect.zipRight(insert(40), Effect.die("a defect")) : insert(n))),
        unbounded
      )
      expect(replies.map(Exit.isSuccess)).toEqual([true, true, false, false, true])
      expect(yield* numbers).toEqual([1, 2, 3, 5])
      // They are tried together, and then one by one.
      expect(ends).toEqual(["ROLLBACK", "COMMIT", "COMMIT", "ROLLBACK", "ROLLBACK", "COMMIT"])
    }))

  test("returns after the commit, and fails when the commit fails", () =>
    Effect.gen(function*() {
      const { client, insert, numbers } = yield* observed
      const deferred = `CREATE TABLE child (n INTEGER REFERENCES numbers (n) DEFERRABLE INITIALLY DEFERRED)`
      yield* client.unsafe(deferred)
      const commit = yield* GroupCommit.make(client)
      // Its statement succeeds, and the commit fails.
      const orphan = client`INSERT INTO child (n) VALUES (99)`
      const [bad, good] = yield* Effect.all(
        [Effect.either(commit(orphan)), Effect.either(commit(insert(1)))],
        unbounded
      )
      expect(Either.flip(bad)).toMatchObject({ right: { _tag: "SqlError" } })
      expect(Either.isRight(good)).toBe(true)
      expect(yield* numbers).toEqual([1])
      expect(yield* client`SELECT * FROM child`).toEqual([])
    }))

  test("withdraws a waiting command when its caller is interrupted, and completes a started one", () =>
    Effect.gen(function*() {
      const { client, closeGate, insert, numbers } = yield* observed
      const commit = yield* GroupCommit.make(client)
      const gate = yield* closeGate
      const begun = yield* Effect.fork(Effect.onExit(commit(insert(1)), () => Effect.void))
      yield* gate.reached
      const waiting = yield* Effect.fork(commit(insert(2)))
      const patient = yield* Effect.fork(commit(insert(3)))
      yield* Effect.repeatN(Effect.yieldNow(), 10)
      expect(Exit.isInterrupted(yield* Fiber.interrupt(waiting))).toBe(true)
      const interrupting = yield* Effect.fork(Fiber.interrupt(begun))
      yield* Effect.repeatN(Effect.yieldNow(), 10)
      // It is waited for: half a state is none.
      expect(interrupting.unsafePoll()).toBe(null)
      yield* gate.open
      yield* Fiber.join(patient)
      yield* Fiber.join(interrupting)
      expect(yield* numbers).toEqual([1, 3])
    }))

  test("completes the accepted commands when its scope ends, and accepts no more", () =>
    Effect.gen(function*() {
      const { client, closeGate, insert, numbers } = yield* observed
      const scope = yield* Scope.make()
      const commit = yield* Scope.extend(GroupCommit.make(client), scope)
      const gate = yield* closeGate
      const begun = yield* Effect.fork(commit(insert(1)))
      yield* gate.reached
      const waiting = yield* Effect.fork(commit(insert(2)))
      yield* Effect.repeatN(Effect.yieldNow(), 10)
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* Effect.repeatN(Effect.yieldNow(), 10)
      expect(closing.unsafePoll()).toBe(null)
      expect(Exit.isInterrupted(yield* Effect.exit(commit(insert(3))))).toBe(true)
      yield* gate.open
      yield* Fiber.join(closing)
      yield* Fiber.joinAll([begun, waiting])
      expect(yield* numbers).toEqual([1, 2])
    }))
})
