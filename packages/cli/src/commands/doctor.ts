import { FilesService } from "@effect-uploads/http/FilesService"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Command from "@effect/cli/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Backend from "../Backend.js"
import { AlreadyReported, ServiceUnreachable, UsageError } from "../CliError.js"
import * as configuration from "../configuration.js"
import type { AnyError } from "../describeError.js"
import { describeError } from "../describeError.js"
import { Environment } from "../Environment.js"
import { ExitCode } from "../ExitCode.js"
import * as folders from "../folders.js"
import * as journals from "../journals.js"
import { Output, printable } from "../Output.js"
import { reasonOf } from "../reason.js"
import { withVerbosity } from "../verbosity.js"
import * as common from "./options.js"

const options = { verbose: common.verbose }

/** What a check found: that all is well, or something that is better changed. */
interface Finding {
  readonly isWell: boolean
  readonly text: string
}

const well = (text: string): Finding => ({ isWell: true, text })

const advice = (text: string): Finding => ({ isWell: false, text })

/** The service rejects what is older or newer than its clock by more; expiry is counted by its clock too. */
const clockSkewAllowance = Duration.minutes(2)

const checkConfigFile = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const { platform } = yield* Environment
  const path = yield* folders.configFile
  const info = yield* Effect.option(fs.stat(path))
  if (Option.isNone(info)) return well(`none at ${path}; the environment alone counts`)
  // Windows has no such bits.
  return platform !== "win32" && (info.value.mode & 0o077) !== 0
    ? advice(`${path} can be read by others: run \`chmod 600 ${path}\``)
    : well(path)
})

const checkConfiguration = Effect.gen(function*() {
  const { apiKey, apiUrl: configured } = yield* configuration.load
  const apiUrl = configuration.withoutUser(configured)
  if (!/^https?:\/\//i.test(apiUrl) || !URL.canParse(apiUrl)) {
    return yield* new UsageError({
      problem: `OPENAI_BASE_URL is ${apiUrl}, which is no http(s) URL`,
      advice: "Set it to one that ends with the version, such as https://api.openai.com/v1."
    })
  }
  if (apiKey === undefined) return well(`${apiUrl} is on this machine: no API key is needed`)
  return apiUrl.startsWith("http://") && !configuration.isLoopback(apiUrl)
    ? advice(`${apiUrl} is not encrypted, so anybody on the way can read the API key: use https`)
    : well(`an API key is set, for ${apiUrl}`)
})

const checkJournals = Effect.gen(function*() {
  const directory = yield* journals.folder
  return yield* Effect.match(journals.prepare(directory), {
    onFailure: ({ reason }) =>
      advice(`${directory} cannot be written (${reason}), so transfers cannot be resumed: set UPLOADS_STATE_DIR`),
    onSuccess: () => well(directory)
  })
})

/** Any response will do, even that the key is missing. */
const ask = Effect.gen(function*() {
  const client = yield* HttpClient.HttpClient
  const url = yield* Backend.ServiceUrl
  const [took, { headers }] = yield* Effect.timed(Effect.scoped(client.get(`${url.replace(/\/+$/, "")}/files?limit=1`)))
    .pipe(
      Effect.timeoutFail({ duration: "15 seconds", onTimeout: () => new Error("no response within 15 seconds") }),
      Effect.mapError((error) => new ServiceUnreachable({ url, reason: reasonOf(error) }))
    )
  return { took, date: Headers.get(headers, "date") }
})

const checkClock = (date: Option.Option<string>) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    // `DateTime.make` reads numeric offsets, and would add one to the `GMT` of HTTP.
    const theirs = Option.flatMap(date, (text) => DateTime.make(text.replace(/GMT\s*$/, "+0000")))
    if (Option.isNone(theirs)) return well("the service does not tell its time")
    // The service tells whole seconds.
    const skew = Duration.seconds(Math.round(Math.abs(now - theirs.value.epochMillis) / 1000))
    if (Duration.equals(skew, Duration.zero)) return well("agrees with the service's")
    return Duration.greaterThan(skew, clockSkewAllowance)
      ? advice(`differs from the service's by ${Duration.format(skew)}: set this machine's clock`)
      : well(`differs from the service's by ${Duration.format(skew)}`)
  })

const checkKey = Effect.gen(function*() {
  const files = yield* FilesService
  yield* Stream.runDrain(Stream.take(files.list({ limit: 1 }), 1))
  return well("the service accepts it, and lists Files")
})

/** An Upload of one byte, which is cancelled whatever happens. */
const checkRoundTrip = Effect.gen(function*() {
  const uploads = yield* UploadsService
  const [took] = yield* Effect.timed(
    Effect.acquireUseRelease(
      uploads.create({ filename: "doctor.txt", bytes: 1, purpose: "user_data", mimeType: "text/plain" }),
      ({ id }) => Effect.zipRight(uploads.addPart(id, new Uint8Array(1)), uploads.cancel(id)),
      ({ id }, exit) => exit._tag === "Success" ? Effect.void : Effect.ignore(uploads.cancel(id))
    )
  )
  return well(`an Upload of one byte was created, sent and cancelled in ${Math.round(Duration.toMillis(took))} ms`)
})

const report = (name: string, { isWell, text }: Finding) =>
  Effect.flatMap(
    Output,
    ({ result, resultStyles: { green, yellow } }) =>
      result(`${isWell ? green("✓") : yellow("!")} ${name}: ${printable(text)}`)
  )

/** A check that fails ends the examination: those after it need what it looks for. */
const check = <A, E extends AnyError, R>(
  name: string,
  effect: Effect.Effect<A, E, R>,
  finding: (found: A) => Finding | Effect.Effect<Finding>
) =>
  effect.pipe(
    Effect.tap((found) => {
      const result = finding(found)
      return Effect.isEffect(result) ? Effect.flatMap(result, (finding) => report(name, finding)) : report(name, result)
    }),
    Effect.catchAll((error) =>
      Effect.gen(function*() {
        const { result, resultStyles } = yield* Output
        const { exitCode, sentence } = describeError(error)
        const text = Option.getOrElse(sentence, () => "failed")
        yield* result(`${resultStyles.red("✗")} ${name}: ${text}`)
        return yield* new AlreadyReported({ exitCode: exitCode === ExitCode.success ? ExitCode.local : exitCode })
      })
    )
  )

const same = (finding: Finding) => finding

export const doctor = Command.make(
  "doctor",
  options,
  ({ verbose }) =>
    Effect.gen(function*() {
      yield* check("config file", checkConfigFile, same)
      yield* check("configuration", checkConfiguration, same)
      yield* Backend.provide(
        Effect.gen(function*() {
          yield* check("journals", checkJournals, same)
          const { date } = yield* check("reachability", ask, ({ took }) =>
            well(`the service responded in ${Math.round(Duration.toMillis(took))} ms`))
          yield* check("clock", checkClock(date), same)
          yield* check("API key", checkKey, same)
          yield* check("round trip", checkRoundTrip, same)
        })
      )
    }).pipe(withVerbosity(verbose))
).pipe(
  Command.withDescription(
    common.help(
      "Checks config file, API key, base URL, journals, reachability, clock and a tiny round trip, each with one line that " +
        "says what to do. Nothing is left behind.",
      [["uploads doctor", "Runs all checks; the exit code is that of the first that fails."]]
    )
  )
)
