import { UploadNotFound } from "@effect-uploads/domain/UploadError"
import { documented, UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { QuotaExceeded } from "@effect-uploads/http/ServiceError"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import type { PlatformError } from "@effect/platform/Error"
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { Both } from "./fixtures.js"
import {
  advancing,
  both,
  bytesOf,
  calls,
  changed,
  collect,
  elapsed,
  expectFiles,
  services,
  statuses,
  written
} from "./fixtures.js"

const data = bytesOf(5000)
const options = { purpose: "user_data", partSize: 1000, concurrency: 1 } as const
const quota = new QuotaExceeded({})

/** A store whose operations can be made to fail or to stop half-way. */
class Store {
  readonly content: Map<string, string>

  constructor(content = new Map<string, string>()) {
    this.content = content
  }

  /** The bytes that the process writes before it is killed. A removal counts as one byte. */
  left = Number.POSITIVE_INFINITY
  written = 0
  readonly failing = new Set<"get" | "set" | "remove">()

  readonly killed = Deferred.unsafeMake<void>(Fiber.id(Fiber.void))

  private readonly broken = new SystemError({ reason: "Unknown", module: "KeyValueStore", method: "any" })

  private step<A>(method: "get" | "set" | "remove", cost: number, act: (allowed: number) => A) {
    return Effect.suspend((): Effect.Effect<A, PlatformError> => {
      if (this.failing.has(method)) return Effect.fail(this.broken)
      const allowed = Math.min(cost, this.left)
      this.left -= allowed
      this.written += allowed
      if (allowed < cost) {
        if (allowed > 0) act(allowed)
        return Effect.zipRight(Deferred.succeed(this.killed, undefined), Effect.never)
      }
      return Effect.sync(() => act(allowed))
    })
  }

  readonly layer = Layer.succeed(
    KeyValueStore.KeyValueStore,
    KeyValueStore.makeStringOnly({
      get: (key) => this.step("get", 0, () => Option.fromNullable(this.content.get(key))),
      set: (key, value) =>
        this.step("set", value.length, (allowed) => {
          this.content.set(key, value.slice(0, allowed))
        }),
      remove: (key) =>
        this.step("remove", 1, () => {
          this.content.delete(key)
        }),
      has: (key) => this.step("get", 0, () => this.content.has(key)),
      clear: Effect.sync(() => this.content.clear()),
      size: Effect.sync(() => this.content.size)
    })
  )

  /** The journal of a process that uses this store. */
  readonly journal = TransferJournal.layerKeyValueStore.pipe(Layer.provide(this.layer))
}

const env = Layer.merge(both, NodeFileSystem.layer)

const test = <E>(
  title: string,
  effect: (store: Store) => Effect.Effect<
    void,
    E,
    Both | FileSystem.FileSystem | Scope.Scope | TransferJournal.TransferJournal
  >
) => {
  it.scoped(`${title} (layerMemory)`, () =>
    effect(new Store()).pipe(Effect.provide(TransferJournal.layerMemory), Effect.provide(env)))
  it.scoped(`${title} (layerKeyValueStore)`, () => {
    const store = new Store()
    return effect(store).pipe(Effect.provide(store.journal), Effect.provide(env))
  })
}

/** A test that changes the store itself. */
const storeTest = <E>(
  title: string,
  effect: (store: Store) => Effect.Effect<
    void,
    E,
    Both | FileSystem.FileSystem | Scope.Scope | TransferJournal.TransferJournal
  >
) =>
  it.scoped(title, () => {
    const store = new Store()
    return effect(store).pipe(Effect.provide(store.journal), Effect.provide(env))
  })

/** Fails for a transient reason when this number of parts is acknowledged. */
const suspendedAfter = (path: string, acknowledged: number, more: Partial<Transfer.NamedOptions> = {}) => {
  let sent = 0
  return Transfer.file(path, { ...options, ...more }).pipe(
    changed((uploads) => ({
      addPart: (id, part) => Effect.suspend(() => sent++ < acknowledged ? uploads.addPart(id, part) : quota)
    })),
    Effect.flip
  )
}

describe("resume", () => {
  test("continues the Upload and sends no acknowledged part again", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      const { uploadsTest } = yield* services
      const error = yield* suspendedAfter(path, 3)
      const [upload] = yield* uploadsTest.uploads
      expect(error).toMatchObject({
        _tag: "TransferSuspended",
        uploadId: upload?.id,
        expiresAt: upload?.expiresAt,
        failure: { _tag: "QuotaExceeded" }
      })
      expect(yield* calls("addPart")).toBe(3)
      const completed = yield* Transfer.file(path, options)
      expect(completed.id).toBe(upload?.id)
      expect(yield* calls("create")).toBe(1)
      expect(yield* calls("addPart")).toBe(5)
      yield* expectFiles(data)
    }))

  test("continues the Upload after each of several interruptions", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      for (let run = 0; run < 3; run++) {
        let sent = 0
        const reached = yield* Deferred.make<void>()
        const fiber = yield* Transfer.file(path, options).pipe(
          changed((uploads) => ({
            addPart: (id, part) =>
              sent++ === 1
                ? Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never)
                : uploads.addPart(id, part)
          })),
          Effect.fork
        )
        yield* Deferred.await(reached)
        expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
        expect(yield* statuses).toEqual(["pending"])
      }
      yield* Transfer.file(path, options)
      expect(yield* calls("create")).toBe(1)
      expect(yield* calls("addPart")).toBe(5)
      yield* expectFiles(data)
    }))

  test("keeps the part size of the first run when the second one has another", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      yield* suspendedAfter(path, 2)
      const events = yield* collect(Transfer.fileEvents(path, { ...options, partSize: 333, concurrency: 3 }))
      expect(events[0]).toMatchObject({ _tag: "Started", parts: 5, resumedBytes: 2000 })
      const done = events.filter(TransferEvent.$is("PartDone")).map(({ index }) => index)
      expect(done.sort()).toEqual([2, 3, 4])
      yield* expectFiles(data)
    }))

  test("starts again from zero when the parts of the first run are more than the service accepts now", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      yield* suspendedAfter(path, 2)
      yield* Transfer.file(path, { purpose: "user_data", concurrency: 1 }).pipe(
        Effect.provideService(UploadLimits, { ...documented, parts: 4 })
      )
      expect(yield* statuses).toEqual(["cancelled", "completed"])
      yield* expectFiles(data)
    }))

  test("needs the same path, file name and purpose", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      yield* suspendedAfter(path, 2)
      yield* Transfer.file(path, { ...options, filename: "another" })
      yield* Transfer.file(path, { ...options, purpose: "assistants" })
      yield* Transfer.file(yield* written(data), options)
      expect(yield* statuses).toEqual(["pending", "completed", "completed", "completed"])
    }))

  test("starts again from zero when the Upload expired", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      yield* suspendedAfter(path, 2)
      yield* TestClock.adjust("1 hour")
      yield* Transfer.file(path, options)
      expect(yield* statuses).toEqual(["expired", "completed"])
      yield* expectFiles(data)
    }))

  test("starts again from zero when the Upload was cancelled, and emits Restarted", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      const { uploads, uploadsTest } = yield* services
      yield* suspendedAfter(path, 2)
      const [upload] = yield* uploadsTest.uploads
      if (upload !== undefined) yield* uploads.cancel(upload.id)
      const events = yield* collect(Transfer.fileEvents(path, options))
      expect(events.filter(TransferEvent.$is("Restarted"))).toEqual([
        TransferEvent.Restarted({ replaced: upload?.id ?? expect.fail("no Upload") })
      ])
      expect(yield* statuses).toEqual(["cancelled", "completed"])
      yield* expectFiles(data)
    }))

  test("starts again from zero once when the Upload no longer exists", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      yield* suspendedAfter(path, 2)
      const forgotten = changed(() => ({ addPart: (uploadId) => new UploadNotFound({ uploadId }) }))
      const error = yield* Transfer.file(path, options).pipe(forgotten, Effect.flip)
      expect(error._tag).toBe("UploadNotFound")
      expect(yield* calls("create")).toBe(2)
      yield* Transfer.file(path, options)
      yield* expectFiles(data)
    }))

  test("does not follow a completed transfer, whose journal entry is removed", (store) =>
    Effect.gen(function*() {
      const path = yield* written(data)
      yield* suspendedAfter(path, 2)
      yield* Transfer.file(path, options)
      expect(store.content.size).toBe(0)
      yield* Transfer.file(path, options)
      expect(yield* statuses).toEqual(["completed", "completed"])
      expect(yield* calls("addPart")).toBe(10)
    }))

  test("does not follow a permanent failure, whose journal entry is removed", (store) =>
    Effect.gen(function*() {
      const path = yield* written(data)
      const fs = yield* FileSystem.FileSystem
      const error = yield* Transfer.file(path, options).pipe(
        changed((uploads) => ({
          addPart: (id, part) => Effect.zipLeft(uploads.addPart(id, part), Effect.orDie(fs.utimes(path, 1, 1)))
        })),
        Effect.flip
      )
      expect(error._tag).toBe("SourceChanged")
      expect(yield* statuses).toEqual(["cancelled"])
      expect(store.content.size).toBe(0)
      yield* Transfer.file(path, options)
      yield* expectFiles(data)
    }))

  test("does not exist for sources without a path", (store) =>
    Effect.gen(function*() {
      const { uploadsTest } = yield* services
      const named = { ...options, filename: "data.bin" }
      yield* uploadsTest.failNext("addPart", quota)
      expect((yield* Effect.flip(Transfer.bytes(data, named)))._tag).toBe("QuotaExceeded")
      yield* uploadsTest.failNext("addPart", quota)
      expect((yield* Effect.flip(Transfer.blob(new Blob([data]), named)))._tag).toBe("QuotaExceeded")
      yield* uploadsTest.failNext("addPart", quota)
      const stream = Transfer.stream(Stream.make(data), { ...named, bytes: data.byteLength })
      expect((yield* Effect.flip(stream))._tag).toBe("QuotaExceeded")
      expect(yield* statuses).toEqual(["cancelled", "cancelled", "cancelled"])
      expect(store.content.size).toBe(0)
    }))
})

describe("a file that changed between two runs", () => {
  const times = (path: string) =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      yield* fs.utimes(path, 1000, 1000)
    })

  const changes = {
    size: (path: string) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* fs.writeFile(path, bytesOf(5001, 2))
        yield* times(path)
      }),
    "modification time": (path: string) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* fs.utimes(path, 2000, 2000)
      }),
    content: (path: string) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* fs.writeFile(path, bytesOf(5000, 2))
        yield* times(path)
      })
  }

  for (const [difference, change] of Object.entries(changes)) {
    test(`in ${difference} fails with SourceChanged, cancels its Upload, and is sent by the next run`, (store) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* written(data)
        yield* times(path)
        yield* suspendedAfter(path, 3)
        yield* change(path)
        expect(yield* Effect.flip(Transfer.file(path, options))).toMatchObject({
          _tag: "SourceChanged",
          name: path,
          difference
        })
        expect(yield* statuses).toEqual(["cancelled"])
        expect(store.content.size).toBe(0)
        yield* Transfer.file(path, options)
        yield* expectFiles(yield* fs.readFile(path))
      }))
  }

  test("is a new transfer when the earlier Upload was completed and its response lost", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* written(data)
      const error = yield* Transfer.file(path, options).pipe(
        changed((uploads) => ({ complete: (id, request) => Effect.zipRight(uploads.complete(id, request), quota) })),
        Effect.flip
      )
      expect(error._tag).toBe("TransferSuspended")
      const other = bytesOf(4000, 3)
      yield* fs.writeFile(path, other)
      yield* Transfer.file(path, options)
      yield* expectFiles(data, other)
    }))
})

describe("an entry that cannot be read", () => {
  for (const text of ["", "{", "null", "{\"revision\":0}"]) {
    storeTest(`counts as no entry: ${JSON.stringify(text)}`, (store) =>
      Effect.gen(function*() {
        const path = yield* written(data)
        yield* suspendedAfter(path, 3)
        // Two entries, and a record for each part.
        expect(store.content.size).toBe(5)
        for (const key of store.content.keys()) store.content.set(key, text)
        yield* Transfer.file(path, options)
        expect(yield* calls("create")).toBe(2)
        expect(yield* calls("addPart")).toBe(8)
        yield* expectFiles(data)
        expect(store.content.size).toBe(0)
      }))
  }

  storeTest("does not hide the previous entry", (store) =>
    Effect.gen(function*() {
      const path = yield* written(data)
      yield* suspendedAfter(path, 0)
      // The entry before the request of the Upload is at the second key, the one with the Upload at the first.
      for (const key of store.content.keys()) if (key.endsWith("/0")) store.content.set(key, "{")
      yield* Transfer.file(path, options)
      // The key of the previous entry makes the service return the same Upload.
      expect(yield* calls("create")).toBe(2)
      expect(yield* statuses).toEqual(["completed"])
      yield* expectFiles(data)
    }))
})

describe("a record that cannot be read", () => {
  storeTest("does not hide those before it", (store) =>
    Effect.gen(function*() {
      const path = yield* written(data)
      yield* suspendedAfter(path, 3)
      for (const key of store.content.keys()) if (key.endsWith("/record-3")) store.content.set(key, "{")
      const [started] = yield* collect(Transfer.fileEvents(path, options))
      expect(started).toMatchObject({ _tag: "Started", resumedBytes: 2000 })
      yield* expectFiles(data)
      expect(store.content.size).toBe(0)
    }))

  storeTest("because it belongs to an earlier Upload does not count", (store) =>
    Effect.gen(function*() {
      const path = yield* written(data)
      yield* suspendedAfter(path, 4)
      const records = [...store.content].filter(([key]) => key.includes("/record-"))
      expect(records).toHaveLength(4)
      store.content.clear()
      yield* suspendedAfter(path, 1)
      for (const [key, value] of records.slice(1)) store.content.set(key, value)
      const [started] = yield* collect(Transfer.fileEvents(path, options))
      expect(started).toMatchObject({ _tag: "Started", resumedBytes: 1000 })
      yield* expectFiles(data)
      expect(store.content.size).toBe(0)
    }))
})

describe("a store that fails", () => {
  storeTest("to read ends the transfer before any request", (store) =>
    Effect.gen(function*() {
      store.failing.add("get")
      const error = yield* Effect.flip(Transfer.file(yield* written(data), options))
      expect(error._tag).toBe("JournalFailed")
      expect(yield* calls("create")).toBe(0)
    }))

  storeTest("to write the lock ends the transfer before any request", (store) =>
    Effect.gen(function*() {
      store.failing.add("set")
      const error = yield* Effect.flip(Transfer.file(yield* written(data), options))
      expect(error._tag).toBe("JournalFailed")
      expect(yield* calls("create")).toBe(0)
    }))

  storeTest("to write the Upload makes the transfer cancel it", (store) =>
    Effect.gen(function*() {
      const error = yield* Transfer.file(yield* written(data), options).pipe(
        changed((uploads) => ({
          create: (request) => {
            store.failing.add("set")
            return uploads.create(request)
          }
        })),
        Effect.flip
      )
      expect(error._tag).toBe("JournalFailed")
      expect(yield* statuses).toEqual(["cancelled"])
      expect(yield* calls("addPart")).toBe(0)
    }))

  storeTest(
    "to write acknowledgements does not end the transfer, and is logged once",
    (store) =>
      Effect.gen(function*() {
        const path = yield* written(data)
        const warnings: Array<string> = []
        const logger = Logger.make(({ message }) => void warnings.push(String(message)))
        yield* Transfer.file(path, options).pipe(
          changed((uploads) => ({
            addPart: (id, part) => {
              store.failing.add("set")
              return uploads.addPart(id, part)
            }
          })),
          Effect.provide(Logger.replace(Logger.defaultLogger, logger))
        )
        expect(warnings).toEqual([expect.stringContaining("The journal of a transfer was not updated")])
        yield* expectFiles(data)
        expect(store.content.size).toBe(0)
      })
  )

  storeTest(
    "to write acknowledgements for a while has all of them after the next write",
    (store) =>
      Effect.gen(function*() {
        const path = yield* written(data)
        let sent = 0
        const error = yield* Transfer.file(path, options).pipe(
          changed((uploads) => ({
            addPart: (id, part) => {
              if (++sent === 5) return quota
              if (sent < 4) store.failing.add("set")
              else store.failing.clear()
              return uploads.addPart(id, part)
            }
          })),
          Effect.flip
        )
        expect(error._tag).toBe("TransferSuspended")
        const [started] = yield* collect(Transfer.fileEvents(path, options))
        expect(started).toMatchObject({ _tag: "Started", resumedBytes: 4000 })
        expect(yield* statuses).toEqual(["completed"])
        yield* expectFiles(data)
      })
  )

  storeTest(
    "to remove an entry does not fail a completed transfer, and the next run returns the same File",
    (store) =>
      Effect.gen(function*() {
        const path = yield* written(data)
        store.failing.add("remove")
        const completed = yield* Transfer.file(path, options)
        // The lock, two entries, and a record for each part.
        expect(store.content.size).toBe(8)
        store.failing.clear()
        expect((yield* Transfer.file(path, options).pipe(advancing())).file).toEqual(completed.file)
        expect(yield* calls("addPart")).toBe(5)
        expect(store.content.size).toBe(0)
      })
  )
})

describe("a process that is killed during a write", () => {
  it.effect.prop(
    "resumes from the last complete entry and completes",
    [FastCheck.nat(5000)],
    ([left]) =>
      Effect.scoped(Effect.gen(function*() {
        const path = yield* written(data)
        const uploads = yield* UploadsService.UploadsService
        const { uploadsTest } = yield* services
        const store = new Store()
        store.left = left
        let dead = false
        const alive = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
          Effect.suspend(() => dead ? Effect.never : effect)
        const process = yield* Transfer.file(path, options).pipe(
          Effect.provide(store.journal),
          Effect.provideService(UploadsService.UploadsService, {
            create: (request) => alive(uploads.create(request)),
            addPart: (id, part) => alive(uploads.addPart(id, part)),
            complete: (id, request) => alive(uploads.complete(id, request)),
            cancel: (id) => alive(uploads.cancel(id))
          }),
          Effect.forkDaemon
        )
        yield* Effect.raceFirst(Deferred.await(store.killed), Fiber.await(process))
        dead = true
        const [first] = yield* uploadsTest.uploads
        const stored = first === undefined ? 0 : (yield* uploadsTest.parts(first.id)).length
        const before = yield* calls("addPart")

        const successor = new Store(store.content)
        const second = yield* Effect.exit(
          Transfer.file(path, options).pipe(Effect.provide(successor.journal), advancing())
        )
        const sentAgain = (yield* calls("addPart")) - before
        expect(Exit.isSuccess(second)).toBe(true)
        // A process that had removed its entry had completed its transfer, so the second run is a new transfer.
        const firstCompleted = store.written > 0 &&
          (yield* statuses).filter((status) => status === "completed").length === 2
        yield* expectFiles(...(firstCompleted ? [data, data] : [data]))
        // At most one acknowledgement was not yet written.
        if ((yield* calls("create")) === 1 && first?.status === "pending") {
          expect(sentAgain).toBeLessThanOrEqual(5 - stored + 1)
        }
      })).pipe(Effect.provide(env)),
    { fastCheck: { numRuns: 60 } }
  )
})

describe("a second run of the same transfer", () => {
  const hanging = (path: string) => Transfer.file(path, options).pipe(changed(() => ({ addPart: () => Effect.never })))

  /** The value of the lock in a store. */
  const lockOf = (store: Store) =>
    [...store.content].filter(([key]) => key.endsWith("/lock")).map(([key, value]) => ({ key, value }))

  test("fails with TransferInProgress before any request, and the first one completes", () =>
    Effect.gen(function*() {
      const path = yield* written(data)
      const go = yield* Deferred.make<void>()
      const waiting = yield* Deferred.make<void>()
      const first = yield* Transfer.file(path, options).pipe(
        changed((uploads) => ({
          addPart: (id, part) =>
            Deferred.succeed(waiting, undefined).pipe(
              Effect.zipRight(Deferred.await(go)),
              Effect.zipRight(uploads.addPart(id, part))
            )
        })),
        Effect.fork
      )
      yield* Deferred.await(waiting)
      expect(yield* Effect.flip(Transfer.file(path, options))).toMatchObject({ _tag: "TransferInProgress", name: path })
      yield* Transfer.file(path, { ...options, filename: "another" })
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(first)
      expect(yield* calls("create")).toBe(2)
      expect(yield* statuses).toEqual(["completed", "completed"])
      yield* expectFiles(data, data)
      yield* Transfer.file(path, options)
    }))

  storeTest("in another process fails after it saw that the first one is alive", (store) =>
    Effect.gen(function*() {
      const path = yield* written(data)
      const first = yield* Effect.fork(hanging(path))
      while ((yield* calls("create")) < 1) yield* TestClock.adjust("1 millis")
      const error = yield* Transfer.file(path, options).pipe(Effect.provide(store.journal), Effect.flip, advancing())
      expect(error._tag).toBe("TransferInProgress")
      expect(yield* statuses).toEqual(["pending"])
      yield* Fiber.interrupt(first)
      yield* Transfer.file(path, options)
      expect(yield* calls("create")).toBe(1)
      expect(store.content.size).toBe(0)
    }))

  it.scoped("is not seen by a run that reads its own lock while it writes it, in a store that empties a value first", () =>
    Effect.gen(function*() {
      const content = new Map<string, string>()
      const set = (key: string, value: string) => Effect.sync(() => content.set(key, value))
      const store = KeyValueStore.makeStringOnly({
        get: (key) => Effect.sync(() => Option.fromNullable(content.get(key))),
        set: (key, value) =>
          Effect.asVoid(
            Effect.zipRight(Effect.delay(set(key, ""), "1 millis"), Effect.delay(set(key, value), "20 millis"))
          ),
        remove: (key) => Effect.sync(() => void content.delete(key)),
        has: (key) => Effect.sync(() => content.has(key)),
        clear: Effect.sync(() => content.clear()),
        size: Effect.sync(() => content.size)
      })
      const journal = yield* Effect.provideService(TransferJournal.make, KeyValueStore.KeyValueStore, store)
      const path = yield* written(data)
      // A part is acknowledged every few milliseconds, for longer than it takes until the lock is written again.
      yield* Transfer.file(path, { ...options, partSize: 40 }).pipe(
        changed((uploads) => ({ addPart: (id, part) => Effect.delay(uploads.addPart(id, part), "3 millis") })),
        Effect.provideService(TransferJournal.TransferJournal, Option.some(journal)),
        advancing("50 millis")
      )
      yield* expectFiles(data)
      expect(content.size).toBe(0)
    }).pipe(Effect.provide(env)))

  storeTest(
    "resumes after five seconds when the process of the first one was killed",
    (store) =>
      Effect.gen(function*() {
        const path = yield* written(data)
        yield* suspendedAfter(path, 2)
        const [entry = expect.fail("no entry")] = store.content.keys()
        store.content.set(entry.replace(/[^/]*$/, "lock"), "the value of a killed process")
        const resumedAt = yield* Transfer.file(path, options).pipe(
          Effect.zipRight(elapsed),
          advancing()
        )
        expect(resumedAt).toBeGreaterThanOrEqual(5000)
        expect(yield* calls("create")).toBe(1)
        expect(yield* calls("addPart")).toBe(5)
        expect(store.content.size).toBe(0)
      })
  )

  storeTest(
    "that took the lock of a silent process ends that process's run, which leaves the Upload alone",
    (store) =>
      Effect.gen(function*() {
        const path = yield* written(data)
        const first = yield* Effect.fork(Effect.flip(hanging(path)))
        while (store.content.size < 2) yield* TestClock.adjust("1 millis")
        const [lock = expect.fail("no lock")] = lockOf(store)
        store.content.set(lock.key, "the value of another process")
        const before = new Map(store.content)
        yield* TestClock.adjust("2 seconds")
        expect(yield* Fiber.join(first)).toMatchObject({ _tag: "TransferInProgress" })
        expect(yield* statuses).toEqual(["pending"])
        expect(yield* calls("cancel")).toBe(0)
        expect(store.content).toEqual(before)
      })
  )

  storeTest(
    "that started at the same moment cancels its own Upload when it did not get the lock",
    (store) =>
      Effect.gen(function*() {
        const path = yield* written(data)
        const error = yield* Transfer.file(path, options).pipe(
          changed((uploads) => ({
            create: (request) => {
              for (const { key } of lockOf(store)) store.content.set(key, "the value of another process")
              return uploads.create(request)
            }
          })),
          Effect.flip
        )
        expect(error._tag).toBe("TransferInProgress")
        expect(yield* statuses).toEqual(["cancelled"])
        expect(lockOf(store).map(({ value }) => value)).toEqual(["the value of another process"])
        // The entry that was written before belongs to the run that has the lock.
        expect(store.content.size).toBe(2)
      })
  )
})

describe("the acknowledgements of parts", () => {
  it.scoped("that arrive during a write are written together, and none is lost", () =>
    Effect.gen(function*() {
      const journal = yield* Effect.provide(TransferJournal.make, KeyValueStore.layerMemory)
      const go = yield* Deferred.make<void>()
      const appended: Array<number> = []
      let stored = 0
      const path = yield* written(data)
      const fiber = yield* Transfer.file(path, { ...options, partSize: 250, concurrency: 20 }).pipe(
        changed((uploads) => ({
          addPart: (id, part) => Effect.tap(uploads.addPart(id, part), () => Effect.sync(() => stored++))
        })),
        Effect.provideService(
          TransferJournal.TransferJournal,
          Option.some({
            ...journal,
            append: (key, record) => {
              appended.push(record.acknowledged.length)
              return Effect.zipRight(
                appended.length === 1 ? Deferred.await(go) : Effect.void,
                journal.append(key, record)
              )
            }
          })
        ),
        Effect.fork
      )
      // The first acknowledgement is being written until the service has all parts.
      while (stored < 20) yield* TestClock.adjust("1 millis")
      yield* TestClock.adjust("1 millis")
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(fiber)
      expect(appended).toEqual([1, 19])
      yield* expectFiles(data)
    }).pipe(Effect.provide(env)))
})

describe("a journal of many parts", () => {
  const many = bytesOf(520)
  const manyOptions = { ...options, partSize: 1 }
  const parts = many.byteLength

  storeTest(
    "writes each acknowledgement a few times, not once for every later part",
    (store) =>
      Effect.gen(function*() {
        yield* Transfer.file(yield* written(many), manyOptions)
        // A record has about 200 characters, and each of the two entries 65 for a part.
        expect(store.written / parts).toBeLessThan(400)
        expect(store.content.size).toBe(0)
      })
  )

  for (const acknowledged of [255, 256, 257]) {
    storeTest(`resumes after ${acknowledged} parts`, (store) =>
      Effect.gen(function*() {
        const path = yield* written(many)
        yield* suspendedAfter(path, acknowledged, manyOptions)
        const [started] = yield* collect(Transfer.fileEvents(path, manyOptions))
        expect(started).toMatchObject({ _tag: "Started", resumedBytes: acknowledged })
        expect(yield* calls("create")).toBe(1)
        yield* expectFiles(many)
        expect(store.content.size).toBe(0)
      }))
  }

  storeTest(
    "loses one acknowledgement at most when the process is killed while it writes a whole entry",
    (store) =>
      Effect.gen(function*() {
        const path = yield* written(many)
        let sent = 0
        const process = yield* Transfer.file(path, manyOptions).pipe(
          changed((uploads) => ({
            addPart: (id, part) => {
              // The next write is that of the entry with 256 parts: the lock is read, and 1000 characters of it are written.
              if (++sent === 256) store.left = 1000
              return uploads.addPart(id, part)
            }
          })),
          Effect.forkDaemon
        )
        yield* Deferred.await(store.killed)
        const successor = new Store(store.content)
        const [started] = yield* collect(Transfer.fileEvents(path, manyOptions)).pipe(
          Effect.provide(successor.journal),
          advancing()
        )
        expect(started).toMatchObject({ _tag: "Started", resumedBytes: 255 })
        yield* expectFiles(many)
        yield* Fiber.interruptFork(process)
      })
  )
})

describe("TransferJournal", () => {
  it.effect("is absent by default", () =>
    Effect.gen(function*() {
      expect(yield* TransferJournal.TransferJournal).toEqual(Option.none())
    }))

  it.effect("loads no entry that was not saved, and removes an absent entry without failure", () =>
    Effect.gen(function*() {
      const journal = yield* TransferJournal.make
      yield* journal.remove("a")
      expect(yield* journal.load("a")).toEqual(Option.none())
    }).pipe(Effect.provide(KeyValueStore.layerMemory)))
})

describe("the keys of a store", () => {
  storeTest(
    "have each suspended transfer once, without its records, its lock and the values of others",
    (store) =>
      Effect.gen(function*() {
        yield* suspendedAfter(yield* written(data), 3)
        store.content.set("a key of another program/0", "")
        const [key = expect.fail("no transfer"), ...others] = TransferJournal.keysOf(store.content.keys())
        expect(others).toEqual([])
        expect(store.content.size).toBeGreaterThan(2)
        const journal = yield* Effect.provide(TransferJournal.make, store.layer)
        expect(Option.map(yield* journal.load(key), ({ acknowledged }) => acknowledged.length)).toEqual(Option.some(3))
      })
  )
})
