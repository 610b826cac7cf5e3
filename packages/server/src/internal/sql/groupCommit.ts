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
import * as Transaction from "./transaction.js"

/*
 * A commit costs as much as the disk takes to write, whatever it holds. So the commands that arrive while one commit is
 * written share the next: nobody waits for company, and everybody is answered after the commit.
 */

type Failure = SqlError | ParseError

/** A command that is refused succeeds, with the refusal: after it there is nothing to undo. */
export type Commit = <A>(command: Effect.Effect<A, Failure>) => Effect.Effect<A, Failure>

interface Job {
  state: "waiting" | "abandoned" | "begun"
  /** Makes the changes, and tells how to answer once they are durable. */
  readonly run: Effect.Effect<Effect.Effect<unknown>, Failure>
  readonly fail: (cause: Cause.Cause<Failure>) => Effect.Effect<unknown>
}

/** Bounds for how long the database is not free for anything else. */
const maxJobs = 128

/** Ends with the scope, after all that it was given. */
export const make = (sql: SqlClient): Effect.Effect<Commit, never, Scope.Scope> =>
  Effect.gen(function*() {
    const transaction = Transaction.make(sql)
    const mailbox = yield* Mailbox.make<Job>()

    const together = (jobs: Chunk.Chunk<Job>) =>
      transaction(Effect.forEach(jobs, (job) => job.run)).pipe(
        Effect.flatMap(Effect.forEach((answer) => answer, { discard: true }))
      )

    const alone = (job: Job) => Effect.catchAllCause(together(Chunk.of(job)), job.fail)

    const commit = (waiting: Chunk.Chunk<Job>) =>
      Effect.suspend(() => {
        const jobs = Chunk.filter(waiting, (job) => job.state === "waiting")
        for (const job of jobs) job.state = "begun"
        // A job that fails spoils the transaction: what the others did is done again.
        const committed = jobs.length > 1
          ? Effect.catchAllCause(together(jobs), () => Effect.forEach(jobs, alone, { discard: true }))
          : Effect.forEach(jobs, alone, { discard: true })
        return Effect.withSpan(committed, "UploadRepository.commit", {
          attributes: { commands: jobs.length },
          captureStackTrace: false
        })
      })

    const loop: Effect.Effect<void> = Effect.flatMap(mailbox.takeAll, ([jobs, done]) =>
      Effect.forEach(Chunk.chunksOf(jobs, maxJobs), commit, { discard: true }).pipe(
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
          const answer = yield* Deferred.make<Effect.Effect.Success<typeof command>, Failure>()
          const job: Job = {
            state: "waiting",
            run: Effect.map(command, (value) =>
              Deferred.succeed(answer, value)),
            fail: (cause) => Deferred.failCause(answer, cause)
          }
          if (!(yield* mailbox.offer(job))) return yield* Effect.interrupt
          return yield* Effect.catchAllCause(restore(Deferred.await(answer)), (cause) => {
            // Who is interrupted while the command waits, takes it back. Later there is an outcome to wait for.
            if (job.state === "begun") return Deferred.await(answer)
            job.state = "abandoned"
            return Effect.failCause(cause)
          })
        })
      )
  })
