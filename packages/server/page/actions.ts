import type { FileObject } from "@effect-uploads/domain/FileObject"
import * as EventLoop from "@effect-uploads/http/EventLoop"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as BrowserUploads from "@effect-uploads/transfer/BrowserUploads"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
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
import { initial, lifetimes, pageSize } from "./state.js"

/** A browser has six connections to a server (HTTP/1.1). One stays free, so that a call never waits for a part. */
const connections = 5

/** The files whose size is read before the page does something else: a browser looks at the disk for each. */
const filesInTurn = 20

/** What may be left out is told aloud at most this often. */
const silenceMillis = 10_000

/** The browser is offline, so the transfer stops and goes on later. */
class WentOffline extends Data.TaggedError("WentOffline") {}

/** What a user can do. */
export interface Actions {
  readonly choose: (files: ReadonlyArray<File>) => Effect.Effect<void>
  /** Goes on with the file of a transfer that an earlier visit left, or sends a file in place of one that failed. */
  readonly chooseAgain: (id: number, file: File) => Effect.Effect<void>
  readonly rejectFolders: (names: ReadonlyArray<string>) => Effect.Effect<void>
  readonly setPurpose: (purpose: string) => Effect.Effect<void>
  readonly setLifetime: (lifetime: string) => Effect.Effect<void>
  readonly pause: (id: number) => Effect.Effect<void>
  readonly resume: (id: number) => Effect.Effect<void>
  readonly cancel: (id: number) => Effect.Effect<void>
  /** Takes an ended transfer off the page. */
  readonly dismiss: (id: number) => Effect.Effect<void>
  readonly dismissEnded: Effect.Effect<void>
  readonly showMoreItems: Effect.Effect<void>
  readonly showMore: Effect.Effect<void>
  readonly reload: Effect.Effect<void>
  readonly save: (file: FileObject) => Effect.Effect<void>
  /** Asks, or deletes what was asked about. */
  readonly remove: (file: FileObject) => Effect.Effect<void>
  readonly keep: Effect.Effect<void>
  readonly askForKey: Effect.Effect<void>
  readonly closeKeyPrompt: Effect.Effect<void>
  readonly useKey: (key: string, remember: boolean) => Effect.Effect<void>
  readonly forgetKey: Effect.Effect<void>
  readonly dismissProblem: Effect.Effect<void>
}

export interface Page {
  readonly state: SubscriptionRef.SubscriptionRef<State>
  readonly actions: Actions
  /** Loads what is there already, sends what is chosen, and keeps lifetimes up to date. */
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
    isOnline: navigator.onLine,
    key: { isSet: Option.isSome(stored), prompt: Option.none() }
  })
  const transfers = yield* FiberMap.make<number>()
  const listed = yield* Ref.make(pageSize)
  const ids = yield* Ref.make(0)
  const usedConnections = yield* Ref.make(0)
  const toldAt = yield* Ref.make(0)
  /** Has an element when the list of Files is out of date. */
  const filesChanged = yield* Queue.sliding<void>(1)
  /** Has an element when a transfer may be able to start. */
  const mayStart = yield* Queue.sliding<void>(1)
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

  /** Tells something aloud, unless something was told just now. */
  const mention = (text: string) =>
    Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      if (now - (yield* Ref.get(toldAt)) < silenceMillis) return
      yield* Ref.set(toldAt, now)
      yield* announce(text)
    })

  /** At a quarter, half and three quarters. */
  const tellProgress = (before: Item, after: Item) => {
    const quarter = (item: Item) => Math.floor(percent(item.sentBytes, item.bytes) / 25)
    return quarter(after) > quarter(before) && after.sentBytes < after.bytes
      ? mention(`${after.name}: ${quarter(after) * 25} % sent`)
      : Effect.void
  }

  const tellCompletion = (name: string) =>
    Effect.flatMap(state.get, ({ items }) => {
      const waiting = items.filter(item.isWaiting).length
      return waiting === 0 ? announce(`${name} is complete`) : mention(`${name} is complete, ${waiting} files wait`)
    })

  /** A request that fails while the browser is offline fails again and again. */
  const stopOffline = Effect.when(new WentOffline(), () => !navigator.onLine)

  const send = ({ bytes, expiresAfter, file, id, name, purpose }: Item, concurrency: number) =>
    Option.match(file, {
      onNone: () => Effect.void,
      onSome: (file) =>
        Transfer.blobEvents(file, {
          purpose,
          expiresAfter: Option.getOrUndefined(expiresAfter),
          partSize: item.partSizeOf(bytes),
          concurrency
        }).pipe(
          Stream.runForEach((event) =>
            Effect.gen(function*() {
              const before = yield* find(id)
              yield* setItem(id, (current) => item.onEvent(current, event))
              const after = yield* find(id)
              if (before !== undefined && after !== undefined) yield* tellProgress(before, after)
              if (event._tag === "Retrying" || event._tag === "RequestRetrying") yield* stopOffline
            })
          ),
          withClient,
          Effect.zipRight(Effect.zipRight(tellCompletion(name), Queue.offer(filesChanged, undefined))),
          Effect.catchAll((error) =>
            error._tag === "WentOffline" || item.isConnectionLost(error) && !navigator.onLine
              ? Effect.zipRight(
                setItem(id, (current) => item.stopped(current, item.Status.Offline())),
                announce(`${name} waits for the connection`)
              )
              : Effect.gen(function*() {
                yield* setItem(id, (current) => item.onFailure(current, error))
                yield* announce(`${name}: ${sentenceOf(error)}`)
                if (needsKey(error)) yield* reportProblem(error)
              })
          )
        )
    })

  /** Starts the item that waits for the longest time, if a connection is free. */
  const startNext = Effect.gen(function*() {
    const waiting = (yield* state.get).items.filter(item.isWaiting)
    const free = connections - (yield* Ref.get(usedConnections))
    const next = waiting.reduce<Item | undefined>(
      (first, other) => first === undefined || other.id < first.id ? other : first,
      undefined
    )
    if (next === undefined || free === 0) return
    const concurrency = Math.min(free, waiting.length > 1 ? 2 : 3)
    yield* setItem(next.id, (current) => ({ ...current, status: item.Status.Starting() }))
    yield* Ref.update(usedConnections, (used) => used + concurrency)
    const ended = Effect.zipRight(
      Ref.update(usedConnections, (used) => used - concurrency),
      Queue.offer(mayStart, undefined)
    )
    yield* FiberMap.run(transfers, next.id, Effect.ensuring(send(next, concurrency), ended))
    yield* Queue.offer(mayStart, undefined)
  })

  const wait = (ids: ReadonlySet<number>) =>
    Effect.zipRight(
      set((state) => ({
        ...state,
        items: state.items.map((other) => ids.has(other.id) ? item.waitingAgain(other) : other)
      })),
      Effect.asVoid(Queue.offer(mayStart, undefined))
    )

  const resume = (id: number) => wait(new Set([id]))

  const choose = (chosen: ReadonlyArray<File>) =>
    Effect.gen(function*() {
      const { items, lifetime, purpose } = yield* state.get
      const expiresAfter = Option.flatMap(
        Option.fromNullable(lifetimes.find(({ label }) => label === lifetime)),
        ({ value }) => value
      )
      const known = new Map(
        items.filter((other) => !item.hasEnded(other)).map((other) => [item.identityOf(other), other])
      )
      const added: Array<Item> = []
      const again = new Map<number, File>()
      for (const [index, file] of chosen.entries()) {
        if (index % filesInTurn === filesInTurn - 1) yield* EventLoop.nextTurn
        const same = known.get(item.identityOfFile(file))
        if (same === undefined) {
          const fresh = item.ofFile(yield* nextId, file, { purpose, expiresAfter })
          known.set(item.identityOf(fresh), fresh)
          added.push(fresh)
        } else if (!item.isRunning(same)) again.set(same.id, file)
      }
      yield* set((state) => ({
        ...state,
        items: [
          ...added,
          ...state.items.map((other) => {
            const file = again.get(other.id)
            return file === undefined ? other : { ...other, file: Option.some(file) }
          })
        ]
      }))
      const [first] = added
      if (first !== undefined) {
        yield* announce(added.length === 1 ? `${first.name} is being sent` : `${added.length} files are being sent`)
      }
      yield* wait(new Set(again.keys()))
    })

  const chooseAgain = (id: number, file: File) =>
    Effect.flatMap(find(id), (found) => {
      if (found === undefined) return Effect.void
      if (found.status._tag === "Failed") return Effect.zipRight(dismiss([found]), choose([file]))
      return item.identityOf(found) === item.identityOfFile(file)
        ? choose([file])
        : setItem(id, (current) => ({ ...current, notice: Option.some(item.whyNot(current, file)) }))
    })

  const dismiss = (dismissed: ReadonlyArray<Item>) =>
    set((state) => ({ ...state, items: state.items.filter((item) => !dismissed.includes(item)) }))

  const pause = (id: number) =>
    Effect.zipRight(
      FiberMap.remove(transfers, id),
      setItem(id, (current) =>
        item.isRunning(current) || item.isWaiting(current) ? item.stopped(current, item.Status.Paused()) : current)
    )

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
    }).pipe(Effect.catchAll((error) => setItem(id, (current) => item.onFailure(current, error))))

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
          })))).pipe(Effect.zipRight(announce(`${file.filename} is downloaded`))),
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
      yield* wait(
        new Set(
          items
            .filter(({ status }) => (status._tag === "Suspended" || status._tag === "Failed") && status.needsKey)
            .map(({ id }) => id)
        )
      )
    })

  const forgetKey = Effect.gen(function*() {
    yield* keyStorage.clear
    yield* connect(Option.none())
    yield* set((state) => ({ ...state, files: initial.files }))
    yield* listFiles
  })

  const onOnline = Effect.gen(function*() {
    const { files, items } = yield* state.get
    yield* set((state) => ({ ...state, isOnline: true }))
    yield* wait(new Set(items.filter(item.isCutOff).map(({ id }) => id)))
    if (files.status === "failed") yield* listFiles
  })
  const onOffline = set((state) => ({ ...state, isOnline: false }))

  const tick = Effect.flatMap(Clock.currentTimeMillis, (now) => set((state) => ({ ...state, now })))

  return {
    state,
    actions: {
      choose,
      chooseAgain,
      rejectFolders: ([name = ""]) =>
        set((state) => ({
          ...state,
          problem: Option.some(`${name} is a folder. Open it, and drop the files that are in it.`)
        })),
      setPurpose: (purpose) => set((state) => ({ ...state, purpose })),
      setLifetime: (lifetime) => set((state) => ({ ...state, lifetime })),
      pause,
      resume,
      cancel,
      dismiss: (id) => Effect.flatMap(find(id), (found) => dismiss(found === undefined ? [] : [found])),
      dismissEnded: Effect.flatMap(state.get, ({ items }) => dismiss(items.filter(item.hasEnded))),
      showMoreItems: set((state) => ({ ...state, shownItems: state.shownItems + pageSize })),
      showMore: Effect.zipRight(Ref.update(listed, (count) => count + pageSize), listFiles),
      reload: listFiles,
      save,
      remove,
      keep,
      askForKey: ask(""),
      closeKeyPrompt: set((state) => ({ ...state, key: { ...state.key, prompt: Option.none() } })),
      useKey,
      forgetKey,
      dismissProblem: set((state) => ({ ...state, problem: Option.none() }))
    },
    run: Effect.all([
      Effect.zipRight(
        Effect.all([showUnfinished, listFiles], { discard: true, concurrency: 2 }),
        Effect.forever(Effect.zipRight(Effect.sleep("10 seconds"), tick))
      ),
      // Each start has a task of its own, so that many files do not hold the page.
      Effect.forever(Queue.take(mayStart).pipe(Effect.zipRight(EventLoop.nextTurn), Effect.zipRight(startNext))),
      // Many small files are complete within a second.
      Effect.forever(
        Queue.take(filesChanged).pipe(Effect.zipRight(listFiles), Effect.zipRight(Effect.sleep("1 second")))
      ),
      Stream.runForEach(Stream.fromEventListener(window, "online"), () => onOnline),
      Stream.runForEach(Stream.fromEventListener(window, "offline"), () => onOffline)
    ], { discard: true, concurrency: "unbounded" })
  }
})
