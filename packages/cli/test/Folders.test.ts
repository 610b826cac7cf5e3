import * as NodePath from "@effect/platform-node/NodePath"
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Environment } from "../src/Environment.js"
import * as folders from "../src/folders.js"

/*
 * The rules of each platform, which are the same wherever this test runs.
 */

const find = (platform: string, home: string, env: Readonly<Record<string, string>> = {}) =>
  Effect.all({ config: folders.configFile, state: folders.stateFolder }).pipe(
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(env)), { pathDelim: "\n" })),
    Effect.provideService(Environment, { platform, home, stdin: Stream.empty, runNode: () => Effect.succeed(0) }),
    Effect.provide(platform === "win32" ? NodePath.layerWin32 : NodePath.layerPosix)
  )

describe("the folders of configuration and state", () => {
  it.effect("are those of the XDG specification on Linux, where a relative path does not count", () =>
    Effect.gen(function*() {
      expect(yield* find("linux", "/home/me")).toEqual({
        config: "/home/me/.config/effect-uploads/config.env",
        state: "/home/me/.local/state/effect-uploads"
      })
      expect(yield* find("linux", "/home/me", { XDG_CONFIG_HOME: "/etc/me", XDG_STATE_HOME: "state" })).toEqual({
        config: "/etc/me/effect-uploads/config.env",
        state: "/home/me/.local/state/effect-uploads"
      })
    }))

  it.effect("are below Application Support on macOS, even if XDG variables are set", () =>
    Effect.gen(function*() {
      expect(yield* find("darwin", "/Users/me", { XDG_CONFIG_HOME: "/etc/me" })).toEqual({
        config: "/Users/me/Library/Application Support/effect-uploads/config.env",
        state: "/Users/me/Library/Application Support/effect-uploads"
      })
    }))

  it.effect("are those of APPDATA and LOCALAPPDATA on Windows", () =>
    Effect.gen(function*() {
      expect(yield* find("win32", "C:\\Users\\me")).toEqual({
        config: "C:\\Users\\me\\AppData\\Roaming\\effect-uploads\\config.env",
        state: "C:\\Users\\me\\AppData\\Local\\effect-uploads"
      })
      const env = { APPDATA: "D:\\Roaming", LOCALAPPDATA: "D:\\Local" }
      expect(yield* find("win32", "C:\\Users\\me", env)).toEqual({
        config: "D:\\Roaming\\effect-uploads\\config.env",
        state: "D:\\Local\\effect-uploads"
      })
    }))

  it.effect("are those that UPLOADS_CONFIG_FILE and UPLOADS_STATE_DIR name, on every platform", () =>
    Effect.gen(function*() {
      const env = { UPLOADS_CONFIG_FILE: "/etc/uploads.env", UPLOADS_STATE_DIR: "/var/lib/uploads" }
      for (const platform of ["linux", "darwin"]) {
        expect(yield* find(platform, "/home/me", env)).toEqual({
          config: "/etc/uploads.env",
          state: "/var/lib/uploads"
        })
      }
      const windows = yield* find("win32", "C:\\Users\\me", { UPLOADS_STATE_DIR: "E:\\state" })
      expect(windows.state).toBe("E:\\state")
    }))
})
