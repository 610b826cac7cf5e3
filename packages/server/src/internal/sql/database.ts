/**
 * The database of the configuration: a SQLite file, or PostgreSQL.
 *
 * @since 0.1.0
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Path from "node:path"
import * as SqliteClient from "../../SqliteClient.js"
import type { StorageError } from "../../StorageError.js"
import { toStorageError } from "./databaseError.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The folder of the SQLite file. */
  readonly dataDirectory: string
  readonly databaseUrl: Option.Option<Redacted.Redacted>
}

/** A command that waits longer for a connection fails. */
const connectTimeout = Duration.seconds(5)

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = ({ dataDirectory, databaseUrl }: Options): Layer.Layer<SqlClient, StorageError> =>
  Option.match(databaseUrl, {
    onNone: () => SqliteClient.layer({ filename: Path.join(dataDirectory, "uploads.sqlite") }),
    onSome: (url) =>
      // Loaded on demand: most servers use SQLite, and the client takes memory.
      Effect.promise(() => import("@effect/sql-pg/PgClient")).pipe(
        Effect.map((PgClient) => PgClient.layer({ url, applicationName: "effect-uploads", connectTimeout })),
        Layer.unwrapEffect,
        Layer.mapError(toStorageError("Database.layer"))
      )
  })
