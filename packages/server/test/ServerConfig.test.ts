import { ServerConfig } from "@effect-uploads/server/ServerConfig"
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

const read = (variables: Record<string, string>) =>
  Effect.withConfigProvider(ServerConfig, ConfigProvider.fromMap(new Map(Object.entries(variables))))

describe("ServerConfig", () => {
  it.effect("rejects every variable that is set and blank, and names it once", () =>
    Effect.gen(function*() {
      const keys = ["HOST", "PORT", "DATA_DIR", "API_KEYS", "API_KEYS_FILE", "CORS_ORIGINS", "PAGE", "DOCS", "METRICS"]
      const others = ["DATABASE_URL", "PART_BYTES", "UPLOAD_LIFETIME", "PROJECT_REQUESTS", "RETENTION", "LOG_LEVEL"]
      for (const name of [...keys, ...others].map((name) => `UPLOADS_${name}`)) {
        for (const blank of ["", " ", "\t"]) {
          const text = String(yield* Effect.flip(read({ [name]: blank })))
          expect([name, text.split(name).length - 1, text]).toEqual([name, 1, expect.stringContaining(name)])
        }
      }
    }))

  it.effect("reads digits only as a number, with blanks around them", () =>
    Effect.gen(function*() {
      expect(yield* read({ UPLOADS_PORT: " 0 ", UPLOADS_PART_BYTES: "1000\n" })).toMatchObject({
        port: 0,
        partBytes: 1000
      })
      for (const port of ["0x10", "1e3", "-0", "+1", "1.0", "1_000", "70000", "4141/tcp", "http", "Infinity", "१"]) {
        expect([port, String(yield* Effect.flip(read({ UPLOADS_PORT: port })))]).toEqual([
          port,
          expect.stringContaining("Expected a whole number from 0 to 65535")
        ])
      }
    }))

  it.effect("says how a duration is written", () =>
    Effect.gen(function*() {
      const { retention } = yield* read({ UPLOADS_RETENTION: " 2 hours " })
      expect(Duration.toHours(retention)).toBe(2)
      for (const text of ["3600", "1h", "soon", "-1 hour", "0 seconds", "25 days", "Infinity"]) {
        expect([text, String(yield* Effect.flip(read({ UPLOADS_RETENTION: text })))]).toEqual([
          text,
          expect.stringContaining("such as `10 minutes` or `500 millis`")
        ])
      }
    }))

  it.effect("rejects the URL of another database without showing it", () =>
    Effect.gen(function*() {
      const url = "postgres://a:sk-secret@localhost/a"
      const { databaseUrl } = yield* read({ UPLOADS_DATABASE_URL: ` ${url} ` })
      expect(Option.map(databaseUrl, Redacted.value)).toEqual(Option.some(url))
      const error = yield* Effect.flip(read({ UPLOADS_DATABASE_URL: "mysql://a:sk-secret@localhost/a" }))
      expect(String(error)).toContain("Expected a PostgreSQL database")
      expect(String(error)).not.toContain("secret")
    }))
})
