import * as PgClient from "@effect/sql-pg/PgClient"
import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { afterAll, beforeAll, describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"

const debian = "/usr/lib/postgresql"

const directories = [
  ...(process.env["PATH"] ?? "").split(Path.delimiter),
  ...(Fs.existsSync(debian) ? Fs.readdirSync(debian).sort().reverse().map((version) => `${debian}/${version}/bin`) : [])
]

const bin = directories.find((directory) => Fs.existsSync(Path.join(directory, "initdb")))

/** PostgreSQL does not run as root. */
const unprivileged = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const line = Fs.readFileSync("/etc/passwd", "utf8").split("\n").find((line) => line.startsWith("postgres:"))
  const [, , uid, gid] = (line ?? "nobody:x:65534:65534").split(":")
  return { uid: Number(uid), gid: Number(gid) }
}

const start = (bin: string): Promise<{ readonly server: ChildProcess; readonly directory: string }> => {
  const user = unprivileged()
  // The path of a socket has at most some hundred characters.
  const directory = Fs.mkdtempSync("/tmp/effect-uploads-pg-")
  if (user !== undefined) Fs.chownSync(directory, user.uid, user.gid)
  const data = Path.join(directory, "data")
  const options = { cwd: directory, ...user }
  execFileSync(
    Path.join(bin, "initdb"),
    ["-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"],
    { ...options, stdio: "pipe" }
  )
  const settings = ["listen_addresses=", "fsync=off", "full_page_writes=off", "max_connections=100"]
  const server = spawn(
    Path.join(bin, "postgres"),
    ["-D", data, "-k", directory, ...settings.flatMap((setting) => ["-c", setting])],
    { ...options, stdio: ["ignore", "ignore", "pipe"] }
  )
  process.once("exit", () => server.kill("SIGKILL"))
  return new Promise((resolve, reject) => {
    let log = ""
    server.stderr.on("data", (data) => {
      log += data
      if (log.includes("ready to accept connections")) resolve({ server, directory })
    })
    server.once("exit", () => reject(new Error(`PostgreSQL did not start:\n${log}`)))
  })
}

let schemas = 0

type Database = Layer.Layer<SqlClient.SqlClient, SqlError>

/**
 * Tests that need PostgreSQL: one cluster for all of them, gone afterwards, on a socket in a folder of its own. Each
 * call of `database` is a new database, and `newUrl` makes one for other processes. Skipped where PostgreSQL is not installed.
 */
export const describePostgres = (
  name: string,
  tests: (database: () => Database, newUrl: Effect.Effect<string>) => void
): void => {
  if (bin === undefined) {
    console.log(`Skipped: ${name}. PostgreSQL is not installed: no initdb on the PATH, nor in ${debian}/*/bin.`)
    describe.skip(
      name,
      () => tests(() => Layer.die("PostgreSQL is not installed"), Effect.die("PostgreSQL is not installed"))
    )
    return
  }
  describe(name, () => {
    let cluster: Awaited<ReturnType<typeof start>> | undefined

    beforeAll(async () => {
      cluster = await start(bin)
    }, 60_000)

    afterAll(() =>
      new Promise<void>((resolve) => {
        if (cluster === undefined) return resolve()
        const { directory, server } = cluster
        server.once("exit", () => {
          Fs.rmSync(directory, { recursive: true, force: true })
          resolve()
        })
        // Without waiting for clients.
        server.kill("SIGINT")
      })
    )

    // For a client a schema is like a database, and it is created faster.
    const urlOf = (schema: string) =>
      `postgresql://postgres@/postgres?host=${cluster?.directory}&options=${
        encodeURIComponent(`-c search_path=${schema}`)
      }`

    const databaseOf = (schema: string): Database =>
      Layer.suspend(() => PgClient.layer({ url: Redacted.make(urlOf(schema)) })).pipe(
        Layer.tap((context) => {
          const sql = Context.get(context, PgClient.PgClient)
          // Of two at a time one may fail, because the other has created it.
          return Effect.retry(sql`CREATE SCHEMA IF NOT EXISTS ${sql(schema)}`, { times: 1 })
        })
      )

    const newSchema = () => `test_${schemas++}`

    tests(
      () => databaseOf(newSchema()),
      Effect.suspend(() => {
        const schema = newSchema()
        return Effect.sync(() => urlOf(schema)).pipe(
          Effect.tap(() => Effect.scoped(Layer.build(databaseOf(schema)))),
          Effect.orDie
        )
      })
    )
  })
}
