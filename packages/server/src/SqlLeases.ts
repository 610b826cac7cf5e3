/**
 * `Leases` in the database, for several servers that share a PostgreSQL database and a folder.
 *
 * A lease is a row that its server renews while a request reads or writes the bytes. The row of a server that was killed
 * expires, and the sweeper of another server continues with its Upload.
 *
 * @since 0.1.0
 */
import type { UploadId } from "@effect-uploads/domain/Ids"
import { SecureRandom } from "@effect-uploads/domain/SecureRandom"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { toStorageError } from "./internal/sql/databaseError.js"
import { isSqlite } from "./internal/sql/dialect.js"
import { Text } from "./internal/sql/rows.js"
import { clockSkewAllowance, Leases } from "./Leases.js"
import type { StorageError } from "./StorageError.js"
import { UploadRepository } from "./UploadRepository.js"

/** The time after which a lease expires that is not renewed. */
const duration = Duration.seconds(30)

const renewalInterval = Duration.seconds(10)

/** An expired row stays for so long: a server that was cut off from the database can renew it afterwards. */
const keptAfterExpiry = Duration.hours(1)

const text = Schema.encodeSync(Text)

/** In whole seconds, as all times of the database. */
const fromNow = (sign: 1 | -1, time: Duration.Duration): Effect.Effect<number> =>
  Effect.map(Clock.currentTimeMillis, (millis) => Math.floor((millis + sign * Duration.toMillis(time)) / 1000))

const operation = (name: string) => <A, R>(effect: Effect.Effect<A, SqlError, R>): Effect.Effect<A, StorageError, R> =>
  Effect.mapError(effect, toStorageError(`Leases.${name}`))

const logFailure = (what: string) => <A, R>(effect: Effect.Effect<A, StorageError, R>) =>
  Effect.catchAll(effect, (error) => Effect.logWarning(`${what}: ${error.message}`))

/**
 * The leases of this server, renewed until the scope closes. The `UploadRepository` has to exist before, because it makes the
 * tables.
 *
 * @example
 * ```ts
 * import * as SqlLeases from "@effect-uploads/server/SqlLeases"
 * import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
 * import * as PgClient from "@effect/sql-pg/PgClient"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * export const program = Effect.scoped(SqlLeases.make).pipe(
 *   Effect.provide(SqlUploadRepository.layer),
 *   Effect.provide(PgClient.layer({ url: Redacted.make("postgres://localhost/uploads") }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* UploadRepository
  const random = yield* SecureRandom
  const holder = Buffer.from(yield* random.bytes(16)).toString("hex")
  let sequence = 0

  const insert = (uploadId: UploadId, own: number) =>
    Effect.flatMap(
      fromNow(1, duration),
      (expires_at) =>
        sql`INSERT INTO upload_leases ${sql.insert({ holder, sequence: own, upload_id: text(uploadId), expires_at })}`
    ).pipe(operation("acquire"))

  const release = (own: number) =>
    sql`DELETE FROM upload_leases WHERE holder = ${holder} AND sequence = ${own}`.pipe(
      operation("release"),
      logFailure("A lease stays until it expires")
    )

  const renew = Effect.gen(function*() {
    yield* sql`UPDATE upload_leases SET expires_at = ${yield* fromNow(1, duration)} WHERE holder = ${holder}`
    yield* sql`DELETE FROM upload_leases
      WHERE expires_at < ${yield* fromNow(-1, keptAfterExpiry)}`
  }).pipe(operation("renew"), logFailure("The leases could not be renewed"))

  yield* Effect.forkScoped(Effect.repeat(Effect.delay(renew, renewalInterval), Schedule.forever))

  return Leases.of({
    acquire: (uploadId) =>
      Effect.suspend(() => {
        const own = sequence++
        return Effect.acquireRelease(insert(uploadId, own), () => release(own))
      }).pipe(Effect.asVoid),

    isLeased: (uploadId) =>
      Effect.flatMap(
        fromNow(-1, clockSkewAllowance),
        (now) =>
          sql`SELECT holder FROM upload_leases WHERE upload_id = ${text(uploadId)} AND expires_at > ${now} LIMIT 1`
      ).pipe(Effect.map(Arr.isNonEmptyReadonlyArray), operation("isLeased")),

    lockPass: (pass) =>
      isSqlite(sql) ? Effect.succeed(true) : Effect.gen(function*() {
        // The database releases the lock of a connection that breaks.
        const connection = yield* sql.reserve
        const run = (name: string) =>
          connection.executeValues(
            `SELECT ${name}(hashtext('effect-uploads ' || $1), hashtext(current_schema()))`,
            [pass]
          )
        const isLocked = yield* Effect.acquireRelease(
          Effect.map(run("pg_try_advisory_lock"), ([row]) => row?.[0] === true),
          (isLocked) => isLocked ? Effect.ignore(run("pg_advisory_unlock")) : Effect.void
        )
        return isLocked
      }).pipe(operation("lockPass"))
  })
})

/**
 * @example
 * ```ts
 * import * as SqlLeases from "@effect-uploads/server/SqlLeases"
 * import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
 * import * as Layer from "effect/Layer"
 *
 * export const stores = Layer.provideMerge(SqlLeases.layer, SqlUploadRepository.layer)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Leases, never, SqlClient.SqlClient | UploadRepository> = Layer.scoped(Leases, make)
