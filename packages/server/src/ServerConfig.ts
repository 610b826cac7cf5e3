/**
 * The configuration of the server, with its defaults.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { documented } from "@effect-uploads/domain/UploadLimits"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as ApiKeys from "./ApiKeys.js"
import { defaultLimits } from "./Project.js"

/** Reads a variable. A blank one is an error: as a number it would be 0. The error does not show the text, which may be a secret. */
const variable = <A>(name: string, expected: string, read: (text: string) => Option.Option<A>): Config.Config<A> =>
  Config.string(name).pipe(
    Config.mapOrFail((text) =>
      text.trim() === ""
        ? Either.left(ConfigError.InvalidData([], "it is set and blank; unset it for its default"))
        : Either.fromOption(read(text), () => ConfigError.InvalidData([], `Expected ${expected}`))
    )
  )

/** Digits only: `Number` reads `0x10` and `1e3` too. */
const integer = (name: string, minimum: number, maximum: number) =>
  variable(
    name,
    `a whole number from ${minimum} to ${maximum}`,
    (text) =>
      Option.some(text.trim()).pipe(
        Option.filter((text) => /^\d+$/.test(text)),
        Option.map(Number),
        Option.filter((value) => value >= minimum && value <= maximum)
      )
  )

const bytes = (name: string) => Config.map(integer(name, 1, Number.MAX_SAFE_INTEGER), (value) => ByteSize.make(value))

/** The longest timer of Node. A longer one would fire at once. */
const longest = Duration.millis(2 ** 31 - 1)

const duration = (name: string): Config.Config<Duration.Duration> =>
  variable(
    name,
    "a duration from 1 millisecond to 24 days, such as `10 minutes` or `500 millis`",
    (text) =>
      Duration.decodeUnknown(text.trim()).pipe(
        Option.filter((value) => Duration.between(value, { minimum: Duration.millis(1), maximum: longest }))
      )
  )

/** `scheme://host[:port]`, as a browser sends it in `Origin`. */
const isOrigin = (text: string): boolean =>
  /^https?:/.test(text) &&
  Option.exists(Either.getRight(Either.try(() => new URL(text).origin)), (origin) => origin === text)

const origins = (name: string): Config.Config<ReadonlyArray<string>> =>
  variable(
    name,
    "origins such as https://example.com, separated by commas",
    (text) =>
      Option.some(text.split(",").map((origin) => origin.trim()).filter((origin) => origin !== "")).pipe(
        Option.filter((origins) => origins.every(isOrigin))
      )
  ).pipe(Config.withDefault<ReadonlyArray<string>>([]))

const databaseUrl = (name: string): Config.Config<Option.Option<Redacted.Redacted>> =>
  variable(name, "a PostgreSQL database: postgres://…", (text) =>
    Option.some(text.trim()).pipe(
      Option.filter((url) => /^postgres(ql)?:\/\//.test(url)),
      Option.map(Redacted.make)
    )).pipe(Config.option)

const access = (name: string) => Config.withDefault(Config.literal("open", "key", "off")(name), "open" as const)

/**
 * The configuration, read from the environment or another `ConfigProvider`.
 *
 * @since 0.1.0
 * @category configuration
 */
export const ServerConfig = Config.all({
  /** The address to listen on. */
  host: Config.withDefault(variable("UPLOADS_HOST", "an address", (text) => Option.some(text.trim())), "127.0.0.1"),
  /** 0 picks a free port. */
  port: Config.withDefault(integer("UPLOADS_PORT", 0, 65_535), 4141),
  /** The folder of the parts and of the SQLite database. */
  dataDirectory: Config.withDefault(variable("UPLOADS_DATA_DIR", "a folder", Option.some), "uploads-data"),
  /** `project:key` pairs, separated by commas. Without keys the server listens on the loopback only. */
  apiKeys: ApiKeys.config("UPLOADS_API_KEYS"),
  /** The origins of web pages that may use the API, separated by commas. */
  corsOrigins: origins("UPLOADS_CORS_ORIGINS"),
  /** The access to the page at `/`. It cannot be `key`, because a browser sends no key with the address of a page. */
  page: Config.withDefault(Config.literal("open", "off")("UPLOADS_PAGE"), "open" as const),
  /** The access to `/docs` and `/openapi.json`: `open` to everybody, to callers with a `key`, or `off`. */
  docs: access("UPLOADS_DOCS"),
  /** The access to `/metrics`, with the same values. */
  metrics: access("UPLOADS_METRICS"),
  /** A PostgreSQL database instead of SQLite. */
  databaseUrl: databaseUrl("UPLOADS_DATABASE_URL"),
  /** The maximum size of a part, in bytes. */
  partBytes: Config.withDefault(bytes("UPLOADS_PART_BYTES"), documented.partBytes),
  /** The maximum size of an Upload, in bytes. */
  uploadBytes: Config.withDefault(bytes("UPLOADS_UPLOAD_BYTES"), documented.uploadBytes),
  /** How many parts of the maximum size are stored beyond twice the declared size of an Upload. */
  surplusParts: Config.withDefault(integer("UPLOADS_SURPLUS_PARTS", 0, 10_000), documented.surplusParts),
  /** The maximum number of parts of an Upload. */
  uploadParts: Config.withDefault(integer("UPLOADS_UPLOAD_PARTS", 1, 100_000), documented.parts),
  /** The time from the creation of an Upload to its expiry. */
  uploadLifetime: Config.withDefault(duration("UPLOADS_UPLOAD_LIFETIME"), documented.uploadLifetime),
  /** The maximum number of pending Uploads of a project. */
  projectPendingUploads: Config.withDefault(
    integer("UPLOADS_PROJECT_PENDING_UPLOADS", 1, Number.MAX_SAFE_INTEGER),
    defaultLimits.pendingUploads
  ),
  /** The maximum of the bytes that the Uploads and Files of a project store. */
  projectBytes: Config.withDefault(bytes("UPLOADS_PROJECT_BYTES"), ByteSize.make(defaultLimits.storedBytes)),
  /** The maximum number of requests of a project that are in flight at the same time. */
  projectRequests: Config.withDefault(
    integer("UPLOADS_PROJECT_REQUESTS", 1, Number.MAX_SAFE_INTEGER),
    defaultLimits.requestsInFlight
  ),
  /** The time in which a whole request has to arrive. */
  requestTimeout: Config.withDefault(duration("UPLOADS_REQUEST_TIMEOUT"), Duration.minutes(10)),
  /** The time that running requests have when the server stops. */
  shutdownTimeout: Config.withDefault(duration("UPLOADS_SHUTDOWN_TIMEOUT"), Duration.seconds(30)),
  /** The time between two passes that free the space of unreachable bytes. */
  sweepInterval: Config.withDefault(duration("UPLOADS_SWEEP_INTERVAL"), Duration.minutes(1)),
  /** The time for which an Upload is known after it has ended and its parts were removed. */
  retention: Config.withDefault(duration("UPLOADS_RETENTION"), Duration.days(7)),
  logLevel: Config.withDefault(Config.logLevel("UPLOADS_LOG_LEVEL"), LogLevel.Info)
})

/**
 * @since 0.1.0
 * @category models
 */
export type ServerConfig = Config.Config.Success<typeof ServerConfig>
