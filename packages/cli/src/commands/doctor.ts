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
import * as folders from "../folders.js"
import * as journals from "../journals.js"
import { Output, printable } from "../Output.js"
import { rootCauseMessage } from "../rootCause.js"
import { withVerbosity } from "../verbosity.js"
import * as common from "./commonOptions.js"

const options = { verbose: common.verbose }

/** The result of a check that did not fail: no problem, or an advice. */
interface Finding {
  readonly isWell: boolean
  readonly text: string
}

const well = (text: string): Finding => ({ isWell: true, text })

const advice = (text: string): Finding => ({ isWell: false, text })

/** A larger difference matters, because the service counts the lifetime of an Upload by its own clock. */
const clockSkewAllowance = Duration.minutes(2)

const checkConfigFile = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const { platform } = yield* Environment
  const path = yield* folders.configFile
  const info = yield* Effect.option(fs.stat(path))
  if (Option.isNone(info)) return well(`none at ${path}; the environment alone counts`)
  // Windows has no permission bits.
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

/** Waits for any response of the service, also for an error response. */
const checkReachability = Effect.gen(function*() {
  const client = yield* HttpClient.HttpClient
  const url = yield* Backend.ServiceUrl
  const [took, { headers }] = yield* Effect.timed(Effect.scoped(client.get(`${url.replace(/\/+$/, "")}/files?limit=1`)))
    .pipe(
      Effect.timeoutFail({ duration: "15 seconds", onTimeout: () => new Error("no response within 15 seconds") }),
      Effect.mapError((error) => new ServiceUnreachable({ url, reason: rootCauseMessage(error) }))
    )
  const finding = well(`the service responded in ${Math.round(Duration.toMillis(took))} ms`)
  return { finding, date: Headers.get(headers, "date") }
})

const checkClock = (date: Option.Option<string>) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    // `DateTime.make` knows no `GMT`: it would append a `Z`.
    const theirs = Option.flatMap(date, (text) => DateTime.make(text.replace(/GMT\s*$/, "+0000")))
    if (Option.isNone(theirs)) return well("the service does not tell its time")
    // The header `date` has whole seconds.
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

/** Creates an Upload of one byte, and cancels it in every case. */
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

/** Prints a failed check, and fails with its exit code. The later checks depend on it, so they do not run. */
const reportFailure = (name: string) => (error: AnyError) =>
  Effect.gen(function*() {
    const { result, resultStyles } = yield* Output
    const { exitCode, sentence } = describeError(error)
    yield* result(`${resultStyles.red("✗")} ${name}: ${Option.getOrElse(sentence, () => "failed")}`)
    return yield* new AlreadyReported({ exitCode })
  })

const check = <E extends AnyError, R>(name: string, finding: Effect.Effect<Finding, E, R>) =>
  finding.pipe(
    Effect.tap((finding) => report(name, finding)),
    Effect.catchAll(reportFailure(name))
  )

export const doctor = Command.make(
  "doctor",
  options,
  ({ verbose }) =>
    Effect.gen(function*() {
      yield* check("config file", checkConfigFile)
      yield* check("configuration", checkConfiguration)
      yield* Backend.provide(
        Effect.gen(function*() {
          yield* check("journals", checkJournals)
          const { date, finding } = yield* Effect.catchAll(checkReachability, reportFailure("reachability"))
          yield* report("reachability", finding)
          yield* check("clock", checkClock(date))
          yield* check("API key", checkKey)
          yield* check("round trip", checkRoundTrip)
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
