import type { FileObject } from "@effect-uploads/domain/FileObject"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as BrowserUploads from "@effect-uploads/transfer/BrowserUploads"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import { TransferJournal } from "@effect-uploads/transfer/TransferJournal"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as download from "./download.js"
import { percent } from "./format.js"
import type { Item } from "./item.js"
import * as item from "./item.js"
import * as keyStorage from "./keyStorage.js"
import type { PageError } from "./sentence.js"
import { needsKey, sentenceOf } from "./sentence.js"
import type { State } from "./state.js"
import { initial, lifetimes } from "./state.js"

/** The most Files that are listed at first, and how many more each time. */
const pageSize = 50

/** What a user can do. */
export interface Actions {
  readonly choose: (files: ReadonlyArray<File>) => Effect.Effect<void>
  readonly setPurpose: (purpose: string) => Effect.Effect<void>
  readonly setLifetime: (lifetime: string) => Effect.Effect<void>
  readonly pause: (id: number) => Effect.Effect<void>
  readonly resume: (id: number) => Effect.Effect<void>
  readonly cancel: (id: number) => Effect.Effect<void>
  /** Takes an ended transfer off the page. */
  readonly dismiss: (id: number) => Effect.Effect<void>
  readonly showMore: Effect.Effect<void>
  readonly reload: Effect.Effect<void>
  readonly save: (file: FileObject) => Effect.Effect<void>
  /** Asks, or deletes what was asked about. */
  readonly remove: (file: FileObject) => Effect.Effect<void>
  readonly keep: Effect.Effect<void>
  readonly askForKey: Effect.Effect<void>
  readonly useKey: (key: string, remember: boolean) => Effect.Effect<void>
  readonly forgetKey: Effect.Effect<void>
  readonly dismissProblem: Effect.Effect<void>
}

export interface Page {
  readonly state: SubscriptionRef.SubscriptionRef<State>
  readonly actions: Actions
  /** Loads what is there already, and keeps lifetimes up to date. */
  readonly run: Effect.Effect<void>
}

const clientOf = (key: Option.Option<Redacted.Redacted>): Effect.Effect<Context.Context<BrowserUploads.Services>> =>
  Effect.scoped(Layer.build(BrowserUploads.layer({
    apiUrl: new URL("/v1", location.origin).href,
    apiKey: Option.getOrUndefined(key)
  })))

export const make: Effect.Effect<Page, never, Scope.Scope> = Effect.gen(function*() {
  const stored = yield* keyStorage.load
  const client = yield* Ref.make(yield* clientOf(stored))
  const state = yield* SubscriptionRef.make<State>({
    ...initial,
    now: yield* Clock.currentTimeMillis,
    key: { isSet: Option.isSome(stored), prompt: Option.none() }
  })
  const transfers = yield* FiberMap.make<number>()
  const listed = yield* Ref.make(pageSize)
  const ids = yield* Ref.make(0)
  const nextId = Ref.updateAndGet(ids, (id) => id + 1)

  const withClient = <A, E>(effect: Effect.Effect<A, E, BrowserUploads.Services>): Effect.Effect<A, E> =>
    Effect.flatMap(Ref.get(client), (context) => Effect.provide(effect, context))
  const set = (change: (state: State) => State) => SubscriptionRef.update(state, change)
  const announce = (announcement: string) => set((state) => ({ ...state, announcement }))
  const setItem = (id: number, change: (item: Item) => Item) =>
    set((state) => ({ ...state, items: state.items.map((item) => item.id === id ? change(item) : item) }))
  const find = (id: number) => Effect.map(state.get, ({ items }) => items.find((item) => item.id === id))
  const ask = (reason: string) => set((state) => ({ ...state, key: { ...state.key, prompt: Option.some(reason) } }))
  const reportProblem = (error: PageError | download.SaveFailed) =>
    error._tag === "SaveFailed"
      ? error.isCancelled
        ? Effect.void
        : set((state) => ({ ...state, problem: Option.some(error.message) }))
      : needsKey(error)
      ? ask(askingFor(error))
      : set((state) => ({ ...state, problem: Option.some(sentenceOf(error)) }))
  const askingFor = (error: PageError) =>
    error._tag === "Unauthenticated" && error.response?.message?.includes("missing") === true
      ? "This server needs an API key."
      : sentenceOf(error)

  const listFiles = Effect.gen(function*() {
    const count = yield* Ref.get(listed)
    const found = yield* withClient(Effect.flatMap(
      FilesService,
      (files) => Stream.runCollect(Stream.take(files.list({ limit: count + 1 }), count + 1))
    ))
    yield* set((state) => ({
      ...state,
      files: {
        status: "shown",
        list: Chunk.toReadonlyArray(Chunk.take(found, count)),
        hasMore: found.length > count
      }
    }))
  }).pipe(
    Effect.catchAll((error) =>
      Effect.zipRight(
        set((state) => ({ ...state, files: { ...state.files, status: "failed" } })),
        reportProblem(error)
      )
    )
  )

  /** The transfers that an earlier visit left, and that no item shows yet. */
  const showUnfinished = Effect.gen(function*() {
    const found = yield* withClient(BrowserUploads.unfinished)
    const { items } = yield* state.get
    const shown = new Set(items.flatMap(({ uploadId }) => Option.toArray(uploadId)))
    const left = yield* Effect.forEach(
      found,
      (unfinished) => Effect.map(nextId, (id) => Option.toArray(item.ofUnfinished(id, unfinished)))
    )
    const added = left.flat().filter(({ uploadId }) => !Option.exists(uploadId, (id) => shown.has(id)))
    yield* set((state) => ({ ...state, items: [...state.items, ...added] }))
  }).pipe(Effect.catchAll(reportProblem))

  /** A quarter, half and three quarters are told aloud. */
  const tellProgress = (before: Item, after: Item) => {
    const quarter = (item: Item) => Math.floor(percent(item.sentBytes, item.bytes) / 25)
    return quarter(after) > quarter(before) && after.sentBytes < after.bytes
      ? announce(`${after.name}: ${quarter(after) * 25} % sent`)
      : Effect.void
  }

  const send = ({ bytes, expiresAfter, file, id, name, purpose }: Item) =>
    Option.match(file, {
      onNone: () => Effect.void,
      onSome: (file) =>
        Transfer.blobEvents(file, {
          purpose,
          expiresAfter: Option.getOrUndefined(expiresAfter),
          partSize: item.partSizeOf(bytes)
        }).pipe(
          Stream.runForEach((event) =>
            Effect.gen(function*() {
              const before = yield* find(id)
              yield* setItem(id, (current) => item.onEvent(current, event))
              const after = yield* find(id)
              if (before !== undefined && after !== undefined) yield* tellProgress(before, after)
            })
          ),
          withClient,
          Effect.zipRight(Effect.zipRight(announce(`${name} is complete`), listFiles)),
          Effect.catchAll((error) =>
            Effect.gen(function*() {
              yield* setItem(id, (current) => item.onFailure(current, error, needsKey(error)))
              yield* announce(`${name}: ${sentenceOf(error)}`)
              if (needsKey(error)) yield* reportProblem(error)
            })
          )
        )
    })

  const start = (started: Item) =>
    Effect.zipRight(
      setItem(started.id, (current) => ({ ...current, status: item.Status.Starting() })),
      Effect.asVoid(FiberMap.run(transfers, started.id, send(started)))
    )

  const resume = (id: number) => Effect.flatMap(find(id), (found) => found === undefined ? Effect.void : start(found))

  const choose = (chosen: ReadonlyArray<File>) =>
    Effect.forEach(chosen, (file) =>
      Effect.gen(function*() {
        const { items, lifetime, purpose } = yield* state.get
        const same = items.find((other) => item.isOf(other, file) && !item.hasEnded(other))
        if (same !== undefined) {
          if (item.isRunning(same)) return
          yield* setItem(same.id, (current) => ({ ...current, file: Option.some(file) }))
          return yield* resume(same.id)
        }
        const expiresAfter = Option.flatMap(
          Option.fromNullable(lifetimes.find(({ label }) => label === lifetime)),
          ({ value }) => value
        )
        const added = item.ofFile(yield* nextId, file, { purpose, expiresAfter })
        yield* set((state) => ({ ...state, items: [added, ...state.items] }))
        yield* announce(`${file.name} is being sent`)
        yield* start(added)
      }), { discard: true })

  const pause = (id: number) =>
    Effect.gen(function*() {
      yield* FiberMap.remove(transfers, id)
      const journal = yield* withClient(TransferJournal)
      // Without a journal the Upload is cancelled by now.
      const status = Option.isSome(journal) ? item.Status.Paused() : item.Status.Cancelled()
      yield* setItem(id, (current) => item.isRunning(current) ? item.stopped(current, status) : current)
    })

  const cancel = (id: number) =>
    Effect.gen(function*() {
      yield* FiberMap.remove(transfers, id)
      const found = yield* find(id)
      if (found === undefined) return
      const left = (yield* withClient(BrowserUploads.unfinished)).find(({ entry }) =>
        Option.exists(entry.upload, (upload) => Option.contains(found.uploadId, upload.id))
      )
      if (left !== undefined) yield* withClient(BrowserUploads.cancel(left))
      yield* setItem(id, (current) => item.stopped(current, item.Status.Cancelled()))
      yield* announce(`${found.name} is cancelled`)
    }).pipe(Effect.catchAll((error) => setItem(id, (current) => item.onFailure(current, error, needsKey(error)))))

  const save = (file: FileObject) =>
    Effect.acquireUseRelease(
      set((state) => ({ ...state, downloading: [...state.downloading, { id: file.id, bytes: 0 }] })),
      () =>
        withClient(download.save(file, (bytes) =>
          set((state) => ({
            ...state,
            downloading: state.downloading.map((other) =>
              other.id === file.id ? { ...other, bytes: other.bytes + bytes } : other
            )
          })))),
      () => set((state) => ({ ...state, downloading: state.downloading.filter(({ id }) => id !== file.id) }))
    ).pipe(Effect.catchAll(reportProblem))

  const keep = set((state) => ({ ...state, confirming: Option.none() }))

  const remove = (file: FileObject) =>
    Effect.gen(function*() {
      const { confirming } = yield* state.get
      if (!Option.contains(confirming, file.id)) {
        return yield* set((state) => ({ ...state, confirming: Option.some(file.id) }))
      }
      yield* keep
      yield* withClient(Effect.flatMap(FilesService, (files) => files.delete(file.id))).pipe(
        Effect.zipRight(announce(`${file.filename} is deleted`)),
        Effect.catchAll(reportProblem)
      )
      yield* listFiles
    })

  const connect = (key: Option.Option<Redacted.Redacted>) =>
    Effect.gen(function*() {
      yield* Ref.set(client, yield* clientOf(key))
      yield* set((state) => ({ ...state, key: { isSet: Option.isSome(key), prompt: Option.none() } }))
    })

  const useKey = (text: string, remember: boolean) =>
    Effect.gen(function*() {
      const key = Redacted.make(text.trim())
      yield* remember ? keyStorage.save(key) : keyStorage.clear
      yield* connect(Option.some(key))
      const { items } = yield* state.get
      yield* listFiles
      // A wrong key is asked for again, and its transfers wait.
      if (Option.isSome((yield* state.get).key.prompt)) return
      yield* Effect.forEach(
        items.filter(({ status }) => (status._tag === "Suspended" || status._tag === "Failed") && status.needsKey),
        start,
        { discard: true }
      )
    })

  const forgetKey = Effect.gen(function*() {
    yield* keyStorage.clear
    yield* connect(Option.none())
    yield* set((state) => ({ ...state, files: initial.files }))
    yield* listFiles
  })

  const tick = Effect.flatMap(Clock.currentTimeMillis, (now) => set((state) => ({ ...state, now })))

  return {
    state,
    actions: {
      choose,
      setPurpose: (purpose) => set((state) => ({ ...state, purpose })),
      setLifetime: (lifetime) => set((state) => ({ ...state, lifetime })),
      pause,
      resume,
      cancel,
      dismiss: (id) => set((state) => ({ ...state, items: state.items.filter((item) => item.id !== id) })),
      showMore: Effect.zipRight(Ref.update(listed, (count) => count + pageSize), listFiles),
      reload: listFiles,
      save,
      remove,
      keep,
      askForKey: ask(""),
      useKey,
      forgetKey,
      dismissProblem: set((state) => ({ ...state, problem: Option.none() }))
    },
    run: Effect.all([showUnfinished, listFiles], { discard: true, concurrency: 2 }).pipe(
      Effect.zipRight(Effect.forever(Effect.zipRight(Effect.sleep("10 seconds"), tick)))
    )
  }
})
