import * as EventLoop from "@effect-uploads/http/EventLoop"
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Mailbox from "effect/Mailbox"
import type { ParseError } from "effect/ParseResult"
import type * as Scope from "effect/Scope"
import { withSpan } from "../span.js"
import * as Transaction from "./transaction.js"

/*
 * A commit costs one write to the disk for any number of commands. So the commands that arrive during a commit share the next
 * one. A command never waits for others, and it returns after its commit.
 */

type Failure = SqlError | ParseError

/** A rejected command succeeds with its rejection, because there is nothing to undo. */
export type Commit = <A>(command: Effect.Effect<A, Failure>) => Effect.Effect<A, Failure>

interface Job {
  state: "waiting" | "abandoned" | "started"
  /** Makes the changes, and returns the effect that completes the caller once they are durable. */
  readonly run: Effect.Effect<Effect.Effect<unknown>, Failure>
  readonly fail: (cause: Cause.Cause<Failure>) => Effect.Effect<unknown>
}

/** Limits the time for which the database is not available for reads. */
const maximumJobs = 128

/** The jobs of one turn of the event loop: a job takes up to half a millisecond, and so does the response after it. */
const jobsPerTurn = 32

/** Runs an effect for each item. The event loop is free in between. */
const inTurns = <A, B, E>(items: ReadonlyArray<A>, run: (item: A) => Effect.Effect<B, E>) =>
  Effect.forEach(
    items,
    (item, index) => index > 0 && index % jobsPerTurn === 0 ? Effect.zipRight(EventLoop.nextTurn, run(item)) : run(item)
  )

/** Ends with the scope, after all commands that it has accepted. */
export const make = (sql: SqlClient): Effect.Effect<Commit, never, Scope.Scope> =>
  Effect.gen(function*() {
    const transaction = Transaction.make(sql)
    const mailbox = yield* Mailbox.make<Job>()

    const runBatch = (jobs: Chunk.Chunk<Job>) =>
      transaction(inTurns(Chunk.toReadonlyArray(jobs), (job) => job.run)).pipe(
        Effect.flatMap((completions) => inTurns(completions, (complete) => complete))
      )

    const runSingle = (job: Job) => Effect.catchAllCause(runBatch(Chunk.of(job)), job.fail)

    const commit = (waiting: Chunk.Chunk<Job>) =>
      Effect.suspend(() => {
        const jobs = Chunk.filter(waiting, (job) => job.state === "waiting")
        for (const job of jobs) job.state = "started"
        // A failed job aborts the transaction, so each job runs again in one of its own.
        const committed = jobs.length > 1
          ? Effect.catchAllCause(runBatch(jobs), () => Effect.forEach(jobs, runSingle, { discard: true }))
          : Effect.forEach(jobs, runSingle, { discard: true })
        return withSpan("UploadRepository.commit", { attributes: { commands: jobs.length } })(committed)
      })

    const loop: Effect.Effect<void> = Effect.flatMap(mailbox.takeAll, ([jobs, done]) =>
      Effect.forEach(Chunk.chunksOf(jobs, maximumJobs), commit, { discard: true }).pipe(
        Effect.zipRight(done ? Effect.void : loop)
      ))

    yield* Effect.acquireRelease(
      Effect.forkDaemon(loop),
      (fiber) =>
        Effect.zipRight(mailbox.end, Fiber.join(fiber))
    )

    return (command) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function*() {
          const result = yield* Deferred.make<Effect.Effect.Success<typeof command>, Failure>()
          const job: Job = {
            state: "waiting",
            run: Effect.map(command, (value) =>
              Deferred.succeed(result, value)),
            fail: (cause) => Deferred.failCause(result, cause)
          }
          if (!(yield* mailbox.offer(job))) return yield* Effect.interrupt
          return yield* Effect.catchAllCause(restore(Deferred.await(result)), (cause) => {
            // An interrupted caller withdraws a waiting command. A started command has an outcome, and the caller waits for it.
            if (job.state === "started") return Deferred.await(result)
            job.state = "abandoned"
            return Effect.failCause(cause)
          })
        })
      )
  })
