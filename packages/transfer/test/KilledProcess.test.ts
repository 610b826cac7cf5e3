import type { UploadId } from "@effect-uploads/domain/Ids"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as PartData from "@effect-uploads/http/PartData"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServer from "@effect/platform/HttpServer"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { PCGRandom } from "effect/Utils"
import { spawn } from "node:child_process"
import { createServer } from "node:http"
import { fileURLToPath } from "node:url"
import * as chaosProxy from "./support/chaosProxy.js"

/*
 * A process sends a file. It is killed when the service has received some of it, and started again until the File exists. Each
 * test depends on its seed alone, except for timing.
 */

const child = fileURLToPath(new URL("./support/killedChild.ts", import.meta.url))

const parts = 24
const partSize = 16 * 1024

/** The parts that the service received: their Upload, and their index, which is in their first bytes. */
type Arrivals = Array<{ readonly uploadId: UploadId; readonly index: number }>

/** The in-memory service. It records the parts that arrived completely. */
const recordArrivals = (arrivals: Arrivals) =>
  Layer.effect(
    UploadsService.UploadsService,
    Effect.map(UploadsService.UploadsService, (service) =>
      UploadsService.UploadsService.of({
        ...service,
        addPart: (uploadId, data) =>
          Effect.gen(function*() {
            const bytes = Buffer.concat([...(yield* Stream.runCollect(PartData.toStream(data)))])
            arrivals.push({ uploadId, index: bytes.readUInt32BE(0) })
            return yield* service.addPart(uploadId, bytes)
          })
      }))
  )

const memory = Layer.merge(UploadsMemory.layerTest, FilesMemory.layerTest)

const serviceOf = (arrivals: Arrivals) =>
  HttpApiBuilder.serve().pipe(
    Layer.provide(UploadsRoutes.layer),
    Layer.provide(recordArrivals(arrivals)),
    Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" }).pipe(Layer.orDie)),
    Layer.provideMerge(memory),
    Layer.provideMerge(NodeFileSystem.layer)
  )

interface ChildExit {
  readonly code: number | null
  readonly output: string
}

/** Runs the child until it exits or `kill` is called. */
const runChild = (env: Record<string, string>, onStart: (kill: () => void) => void): Effect.Effect<ChildExit> =>
  Effect.async<ChildExit>((resume) => {
    const running = spawn(process.execPath, ["--import", "tsx", child], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let output = ""
    running.stdout.on("data", (text) => output += String(text))
    running.stderr.on("data", (text) => output += String(text))
    running.on("close", (code) => resume(Effect.succeed({ code, output })))
    onStart(() => running.kill("SIGKILL"))
    return Effect.sync(() => running.kill("SIGKILL"))
  })

const decodeWrite = Schema.decodeUnknownOption(
  Schema.parseJson(Schema.Union(TransferJournal.JournalEntry, TransferJournal.JournalRecord))
)

/** The entries and records of the journal, the last one first. */
const readJournal = (folder: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const slots = yield* Effect.forEach(yield* fs.readDirectory(folder), (name) =>
      Effect.map(fs.readFileString(`${folder}/${name}`), (text) => ({
        path: `${folder}/${name}`,
        key: decodeURIComponent(name).replace(/^effect-uploads\/transfer\/(.*)\/[^/]*$/, "$1"),
        text
      })))
    return slots
      .flatMap((slot) =>
        Option.toArray(Option.map(decodeWrite(slot.text), ({ revision }) => ({ ...slot, revision })))
      )
      .sort((a, b) => b.revision - a.revision)
  })

/** The entry that the next run of the transfer finds. */
const loadEntry = (folder: string) =>
  Effect.gen(function*() {
    const [last] = yield* readJournal(folder)
    if (last === undefined) return Option.none()
    const store = yield* TransferJournal.make
    return yield* store.load(last.key)
  }).pipe(Effect.provide(KeyValueStore.layerFileSystem(folder)))

const transfer = (seed: number, options: {
  readonly kills: number
  /** At any moment, the service may have parts that it did not acknowledge. Before a part, with concurrency 1, it has none. */
  readonly when: "any moment" | "before a part"
  /** Whether the last write of the journal is truncated after each kill. */
  readonly tear: boolean
}) =>
  Effect.suspend(() => {
    const arrivals: Arrivals = []
    return Effect.gen(function*() {
      const random = new PCGRandom(seed)
      const fs = yield* FileSystem.FileSystem
      const { address } = yield* HttpServer.HttpServer
      const proxy = yield* chaosProxy.make({ port: address._tag === "TcpAddress" ? address.port : 0 })
      const folder = yield* fs.makeTempDirectoryScoped({ prefix: "killed-process-" })
      const journal = `${folder}/journal`
      yield* fs.makeDirectory(journal)

      const data = Buffer.from(Uint8Array.from({ length: parts * partSize - 5000 }, () => random.integer(256)))
      for (let index = 0; index < parts; index++) data.writeUInt32BE(index, index * partSize)
      const source = `${folder}/source.bin`
      yield* fs.writeFile(source, data)

      let kills = 0
      /** Kills the current process after it sent this number of bytes. */
      let target = Option.none<{ readonly kill: () => void; readonly after: number }>()
      let seen = 0
      const killAfter = (millis: number) => {
        if (Option.isNone(target) || kills === options.kills || seen < target.value.after) return false
        setTimeout(target.value.kill, millis)
        target = Option.none()
        kills++
        return true
      }
      proxy.begin("killed", {
        next: (kind) => {
          const isLast = kind === "addPart" && options.when === "before a part" && killAfter(0)
          // A request of a killed process is not forwarded, even if its connection closes late.
          return isLast
            ? chaosProxy.Fault.StallReading({ after: 0 })
            : chaosProxy.Fault.Pass({ delay: kind === "addPart" ? random.integer(20) : 0 })
        },
        onBytes: (bytes) => {
          seen += bytes
          if (options.when === "any moment") killAfter(random.integer(30))
        }
      })
      const env = {
        API_URL: proxy.url("killed"),
        SOURCE: source,
        JOURNAL: journal,
        PART_SIZE: `${partSize}`,
        CONCURRENCY: options.when === "any moment" ? `${1 + random.integer(4)}` : "1"
      }

      let known = Option.none<TransferJournal.JournalEntry>()
      for (let ended = false; !ended;) {
        const before = arrivals.length
        const { code, output } = yield* runChild(env, (kill) => {
          target = Option.some({ kill, after: seen + random.integer(8 * partSize) })
        })
        // A killed process prints nothing.
        expect({ code: code ?? 0, output }).toEqual({ code: 0, output: "" })
        ended = code === 0
        const again = arrivals.slice(before).filter(({ index, uploadId }) =>
          Option.exists(known, ({ acknowledged, upload }) =>
            Option.exists(upload, ({ id }) =>
              id === uploadId) && acknowledged.some((part) => part.index === index))
        )
        expect(again).toEqual([])
        const [newest, older] = yield* readJournal(journal)
        if (options.tear && newest !== undefined && older !== undefined) {
          // As if the process had been killed while it wrote the entry.
          yield* fs.writeFileString(newest.path, newest.text.slice(0, random.integer(newest.text.length)))
        }
        known = yield* loadEntry(journal)
      }

      expect(kills).toBe(options.kills)
      expect(yield* fs.readDirectory(journal)).toEqual([])
      const files = yield* (yield* FilesMemory.FilesServiceTest).files
      expect(files.map(({ bytes }) =>
        Buffer.compare(bytes, data)
      )).toEqual([0])
      return { arrivals, uploads: yield* (yield* UploadsMemory.UploadsServiceTest).uploads }
    }).pipe(Effect.scoped, Effect.provide(serviceOf(arrivals)))
  })

describe.concurrent("a transfer whose process is killed", () => {
  const kills = 4
  for (const seed of [1, 2]) {
    it.live(
      `resumes after kills at random moments: seed ${seed}`,
      () => Effect.asVoid(transfer(seed, { kills, when: "any moment", tear: false })),
      120_000
    )
  }

  it.live(
    "resumes after kills during the write of the journal",
    () => Effect.asVoid(transfer(3, { kills, when: "any moment", tear: true })),
    120_000
  )

  it.live("sends every part once when it is killed between two parts", () =>
    Effect.gen(function*() {
      const { arrivals, uploads } = yield* transfer(4, { kills, when: "before a part", tear: false })
      expect(uploads.map(({ status }) => status)).toEqual(["completed"])
      expect(arrivals.map(({ index }) => index)).toEqual(Array.from({ length: parts }, (_, index) => index))
    }), 120_000)
})
