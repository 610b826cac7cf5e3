import * as UploadError from "@effect-uploads/domain/UploadError"
import * as PartData from "@effect-uploads/http/PartData"
import * as ServiceError from "@effect-uploads/http/ServiceError"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { readFileSync } from "node:fs"

const root = new URL("../../../", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")
const readme = read("README.md")

const section = (heading: string): string => {
  const [, after = ""] = readme.split(`\n## ${heading}\n`)
  const [text = ""] = after.split("\n## ")
  return text
}

/** The cells of the table in a section, without the heading row. */
const rows = (heading: string): ReadonlyArray<ReadonlyArray<string>> =>
  section(heading).split("\n").filter((line) => line.startsWith("| `")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  )

const names = (cell: string): ReadonlyArray<string> => Array.from(cell.matchAll(/`(\w+)`/g), ([, name = ""]) => name)

describe("README.md", () => {
  it("shows the code of the tested examples", () => {
    const blocks = [...readme.matchAll(/<!-- (\S+): (\w+) -->\n```ts\n([\s\S]*?)```/g)]
    expect(blocks).toHaveLength(4)
    expect(readme.match(/```ts/g)).toHaveLength(4)
    for (const [, path = "", region = "", code] of blocks) {
      const [, after = ""] = read(path).split(`// #region ${region}\n`)
      const [shown] = after.split(`// #endregion ${region}`)
      expect(code).toBe(shown)
    }
  })

  it.effect("lists the outcome of each command in each state", () =>
    Effect.gen(function*() {
      const data = new Uint8Array(1)
      /** The outcome of the command on an Upload in the state, with a new service. */
      const outcome = (state: string, command: string) =>
        Effect.gen(function*() {
          const uploads = yield* UploadsService.UploadsService
          const test = yield* UploadsMemory.UploadsServiceTest
          const { id } = yield* uploads.create({
            filename: "a.txt",
            purpose: "user_data",
            bytes: command === "addPart" ? 2 : 1,
            mimeType: "text/plain"
          })
          const part = yield* uploads.addPart(id, data)
          const complete = uploads.complete(id, { partIds: [part.id] })
          const commands: Record<string, Effect.Effect<unknown, { readonly _tag: string }>> = {
            addPart: uploads.addPart(id, data),
            complete,
            cancel: uploads.cancel(id),
            "at expiresAt": TestClock.adjust("1 hour")
          }
          if (state === "Completed") {
            if (command === "addPart") yield* uploads.addPart(id, data)
            const parts = yield* test.parts(id)
            yield* uploads.complete(id, { partIds: parts.map(({ part }) => part.id) })
          }
          if (state === "Cancelled") yield* uploads.cancel(id)
          if (state === "Expired") yield* TestClock.adjust("1 hour")
          const run = commands[command] ?? Effect.die(`${command} is not a command`)
          return yield* run.pipe(
            Effect.zipRight(test.uploads),
            Effect.map(([upload]) => upload?.constructor.name),
            Effect.catchAll((error) => Effect.succeed(error._tag))
          )
        }).pipe(Effect.provide(UploadsMemory.layerTest))

      const commands = ["addPart", "complete", "cancel", "at expiresAt"]
      const [heading = ""] = section("States").split("\n").filter((line) => line.startsWith("| state"))
      expect(heading.replaceAll("`", "")).toBe(`| state | ${commands.join(" | ")} |`)
      expect(rows("States")).toEqual(
        yield* Effect.forEach(["Pending", "Completed", "Cancelled", "Expired"], (state) =>
          Effect.map(
            Effect.forEach(commands, (command) => outcome(state, command)),
            (outcomes) => [state, ...outcomes].map((name) => `\`${name}\``)
          ))
      )
    }))

  it("lists every error once", () => {
    const tags = [
      ...UploadError.UploadError.members,
      ...ServiceError.ServiceError.members,
      PartData.PartUnreadable,
      PartData.PartLengthMismatch
    ].map(({ _tag }) => _tag)
    expect(rows("Errors").flatMap(([tag = ""]) => names(tag)).sort()).toEqual(tags.sort())
  })

  it("lists the methods of each error", () => {
    // The compiler checks these against the error types of the methods. The test checks the table against them.
    const exactly =
      <E extends { readonly _tag: string }>() =>
      <const T extends Record<E["_tag"], true>>(tags: T & Record<Exclude<keyof T, E["_tag"]>, never>) => tags
    const service = {
      InvalidRequest: true,
      Unauthenticated: true,
      PermissionDenied: true,
      RateLimited: true,
      QuotaExceeded: true,
      ServiceUnavailable: true,
      RequestTimeout: true,
      TransportFailed: true,
      ResponseMalformed: true
    } as const
    const ended = {
      UploadNotFound: true,
      UploadAlreadyCompleted: true,
      UploadAlreadyCancelled: true,
      UploadExpired: true
    } as const
    const create = exactly<UploadsService.CreateError>()(service)
    const addPart = exactly<UploadsService.AddPartError>()({
      ...service,
      ...ended,
      PartTooLarge: true,
      UploadSizeExceeded: true,
      PartUnreadable: true,
      PartLengthMismatch: true
    })
    const complete = exactly<UploadsService.CompleteError>()({
      ...service,
      ...ended,
      PartNotFound: true,
      BytesMismatch: true,
      ChecksumMismatch: true
    })
    const cancel = exactly<UploadsService.CancelError>()({ ...service, ...ended })
    const methods = { create, addPart, complete, cancel }
    for (const [tag = "", , , from = ""] of rows("Errors")) {
      const expected = Object.entries(methods).filter(([, tags]) => names(tag).some((name) => name in tags))
      expect([tag, names(from)]).toEqual([tag, expected.map(([method]) => method)])
    }
  })

  it("lists the errors of FilesService", () => {
    const shared = rows("Errors").slice(-8).flatMap(([tag = ""]) => names(tag))
    expect(shared).toEqual(ServiceError.ServiceError.members.map(({ _tag }) => _tag))
    expect(section("Errors")).toContain("has `FileNotFound`, `InvalidRequest` and the last eight")
  })

  it("starts with the commands start and test", () => {
    expect(readme.split("\n").slice(0, 8).join("\n")).toMatch(
      /```sh\nnpx -y pnpm@12 start .*\nnpx -y pnpm@12 test .*\n```/
    )
  })
})
