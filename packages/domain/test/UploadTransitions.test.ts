import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { FileObject } from "@effect-uploads/domain/FileObject"
import { FileId, UploadId } from "@effect-uploads/domain/Ids"
import * as Timestamp from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"

/*
 * Random commands run against the domain and against a small model: a status and a time of expiry. The clock moves by
 * fractions of a second and lifetimes are as short as its steps, so that commands often run at the moment of expiry.
 */

/** The model: the time in milliseconds, the last status, and the expiry of a pending Upload. */
interface Model {
  now: number
  status: Upload.Upload["status"] | "none"
  expiresAt: number
}

/** The system under test: one Upload. */
interface Real {
  upload: Upload.Upload | undefined
}

const statusNow = ({ expiresAt, now, status }: Model): Model["status"] =>
  status === "pending" && expiresAt <= now ? "expired" : status

const moment = (millis: number): DateTime.Utc => DateTime.unsafeMake(millis)

const fileOf = (upload: Upload.Pending): FileObject =>
  new FileObject({
    id: FileId.make("file-1"),
    bytes: upload.bytes,
    createdAt: upload.createdAt,
    filename: upload.filename,
    purpose: upload.purpose,
    status: "processed"
  })

/** The edges of the state diagram. Every state may also stay as it is. */
const edges: Record<Upload.Upload["status"], ReadonlyArray<string>> = {
  pending: ["pending", "completed", "cancelled", "expired"],
  completed: ["completed"],
  cancelled: ["cancelled"],
  expired: ["expired"]
}

const whyNot = {
  completed: "UploadAlreadyCompleted",
  cancelled: "UploadAlreadyCancelled",
  expired: "UploadExpired"
}

/** A step along the diagram. It must keep the common fields. */
const step = (real: Real, from: Upload.Upload, to: Upload.Upload): void => {
  expect(edges[from.status]).toContain(to.status)
  expect("file" in to).toBe(to.status === "completed")
  for (const key of ["id", "bytes", "createdAt", "expiresAt", "filename", "purpose"] as const) {
    expect(to[key]).toBe(from[key])
  }
  real.upload = to
}

const commandNames = new Set<string>()

/** A command on an existing Upload. `now` is the time of the model. */
const command = (
  name: string,
  run: (model: Model, real: Real, upload: Upload.Upload, now: DateTime.Utc) => void
): FastCheck.Command<Model, Real> => ({
  check: ({ status }) => status !== "none",
  run: (model, real) => {
    const { upload } = real
    if (upload === undefined) throw new Error("the model has an Upload where the domain has none")
    run(model, real, upload, moment(model.now))
    expect(real.upload?.status).toBe(model.status)
    commandNames.add(name)
  },
  toString: () => name
})

/** A transition: it runs on a pending Upload, else `ensurePending` fails with the reason that the model expects. */
const attempt = (
  name: string,
  to: "completed" | "cancelled" | "expired",
  transition: (pending: Upload.Pending) => Upload.Upload
): FastCheck.Command<Model, Real> =>
  command(name, (model, real, upload, now) => {
    const status = statusNow(model)
    Either.match(Upload.ensurePending(upload, now), {
      onLeft: (error) => {
        expect(status).not.toBe("pending")
        expect(status === "pending" || status === "none" ? status : whyNot[status]).toBe(error._tag)
      },
      onRight: (pending) => {
        expect(status).toBe("pending")
        step(real, upload, transition(pending))
        model.status = to
      }
    })
  })

const create = (lifetimeSeconds: number): FastCheck.Command<Model, Real> => ({
  check: () => true,
  run: (model, real) => {
    const createdAt = Timestamp.fromDateTime(moment(model.now))
    const upload = Upload.create(
      { filename: "a.txt", purpose: "assistants", bytes: ByteSize.make(1), mimeType: "text/plain" },
      { id: UploadId.make("upload_1"), createdAt, lifetime: Duration.seconds(lifetimeSeconds) }
    )
    expect(upload.status).toBe("pending")
    real.upload = upload
    model.status = "pending"
    model.expiresAt = Math.floor(model.now / 1000) * 1000 + lifetimeSeconds * 1000
    expect(upload.expiresAt.epochMillis).toBe(model.expiresAt)
    commandNames.add("create")
  },
  toString: () => `create(${lifetimeSeconds} s)`
})

const tick = (millis: number): FastCheck.Command<Model, Real> => ({
  check: () => true,
  run: (model) => {
    model.now += millis
    commandNames.add("tick")
  },
  toString: () => `tick(${millis} ms)`
})

const complete = attempt("complete", "completed", (pending) => Upload.complete(pending, fileOf(pending)))
const cancel = attempt("cancel", "cancelled", Upload.cancel)
const expire = attempt("expire", "expired", Upload.expire)

/** Replaces the Upload by its state at the current time, as a service may do at any moment. */
const at = command("at", (model, real, upload, now) => {
  const current = Upload.at(upload, now)
  expect(current.status).toBe(statusNow(model))
  expect(Upload.at(current, now)).toBe(current)
  step(real, upload, current)
  model.status = current.status
})

/** Checks only: nothing may change. */
const ensurePending = command("ensurePending", (model, _, upload, now) => {
  const result = Upload.ensurePending(upload, now)
  expect(Either.isRight(result)).toBe(statusNow(model) === "pending")
  if (Either.isRight(result)) expect(result.right).toBe(upload)
})

describe("Upload transitions", () => {
  it("stay within the state diagram and agree with the model", () => {
    const outcomes = new Set<string>()
    const commands = FastCheck.commands([
      FastCheck.integer({ min: 0, max: 3 }).map(create),
      FastCheck.constantFrom(1, 250, 500, 999, 1000, 2000).map(tick),
      FastCheck.constant(complete),
      FastCheck.constant(cancel),
      FastCheck.constant(expire),
      FastCheck.constant(at),
      FastCheck.constant(ensurePending)
    ], { maxCommands: 40, size: "max" })
    FastCheck.assert(
      FastCheck.property(commands, (commands) => {
        const model: Model = { now: 1_757_400_000_000, status: "none", expiresAt: 0 }
        const real: Real = { upload: undefined }
        FastCheck.modelRun(() => ({ model, real }), commands)
        outcomes.add(statusNow(model))
      }),
      { numRuns: 300 }
    )
    // Every state was reached and every command ran, so that the agreement is meaningful.
    expect([...outcomes]).toEqual(expect.arrayContaining(Object.keys(edges)))
    expect([...commandNames].sort()).toEqual(["at", "cancel", "complete", "create", "ensurePending", "expire", "tick"])
  })
})
