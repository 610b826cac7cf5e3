import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { PartId } from "@effect-uploads/domain/Ids"
import * as Upload from "@effect-uploads/domain/Upload"
import * as DurableFiles from "@effect-uploads/server/DurableFiles"
import * as FilePartStorage from "@effect-uploads/server/FilePartStorage"
import * as Leases from "@effect-uploads/server/Leases"
import { PartStorage } from "@effect-uploads/server/PartStorage"
import * as SqliteClient from "@effect-uploads/server/SqliteClient"
import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
import { Change } from "@effect-uploads/server/UploadRepository"
import * as Statement from "@effect/sql/Statement"
import { expect, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { change, create, fileOf, part } from "./support/repositorySuite.js"

/** Counts work in each turn of the event loop, and remembers the most in one turn. */
const makeTurns = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const state = { now: 0, most: 0, timer: setImmediate(() => {}) }
      const next = () => {
        state.now = 0
        state.timer = setImmediate(next)
      }
      next()
      return state
    }),
    (state) => Effect.sync(() => clearImmediate(state.timer))
  ),
  (state) => ({
    count: (work: number) => {
      state.now += work
      state.most = Math.max(state.most, state.now)
    },
    most: () => state.most
  })
)

const downloads = 16
const parts = 300

it.scoped("sixteen ranged downloads at once of a File of many small parts share the turns of the event loop", () =>
  Effect.gen(function*() {
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-uploads-turns-"))),
      (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true }))
    )
    const files = yield* FilePartStorage.make({ directory })
    const rows = yield* makeTurns
    const reads = yield* makeTurns
    // A storage that has every byte at once: no wait of its own ends the turn.
    const storage = PartStorage.of({
      ...files,
      readSmall: (ranges) =>
        Effect.sync(() => {
          reads.count(ranges.length)
          return ranges.map(([, { bytes }]) => Buffer.alloc(bytes, "x"))
        })
    })
    const stores = Layer.mergeAll(
      Layer.provide(SqlUploadRepository.layer, SqliteClient.layer({ filename: ":memory:" })),
      Layer.succeed(PartStorage, storage),
      Leases.layer
    )
    yield* Effect.gen(function*() {
      const upload = yield* create("upload_1", { bytes: ByteSize.make(parts) })
      const partIds = Arr.makeBy(parts, (index) => PartId.make(`part_${index}`))
      const written = yield* files.write(
        { uploadId: upload.id, partId: PartId.make("part") },
        Stream.make(Buffer.from("x"))
      )
      yield* Effect.forEach(
        partIds,
        (id) => change(upload, Change.PartAdded({ part: { ...part(upload, id, 1), ...written } })),
        { concurrency: 64, discard: true }
      )
      const file = fileOf(upload, { bytes: ByteSize.make(parts) })
      yield* change(upload, Change.Completed({ upload: Upload.complete(upload, file), partIds }))

      const service = yield* DurableFiles.make
      const lengths = yield* Effect.forEach(
        Arr.range(0, downloads - 1),
        (offset) => Stream.runFold(service.content(file.id, { offset }), 0, (total, bytes) => total + bytes.byteLength),
        { concurrency: "unbounded" }
      ).pipe(
        // The last parameter of a query of parts is the maximum number of rows.
        Effect.locally(
          Statement.currentTransformer,
          Option.some((statement) => {
            const [text, params] = statement.compile()
            if (text.includes("upload_file_parts")) rows.count(Number(params.at(-1)))
            return Effect.succeed(statement)
          })
        )
      )
      expect(lengths).toEqual(Arr.makeBy(downloads, (offset) => parts - offset))
    }).pipe(Effect.provide(stores))
    // One page.
    expect(rows.most()).toBeLessThanOrEqual(250)
    // One batch.
    expect(reads.most()).toBeLessThanOrEqual(64)
  }))
