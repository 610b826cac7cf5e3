import type { FilesService } from "@effect-uploads/http/FilesService"
import type { UploadsService } from "@effect-uploads/http/UploadsService"
import type { FileAccess } from "@effect-uploads/transfer/FileAccess"
import type { Md5Hasher } from "@effect-uploads/transfer/Md5Hasher"
import * as NodeUploads from "@effect-uploads/transfer/NodeUploads"
import type { FileSystem } from "@effect/platform/FileSystem"
import type { HttpClient } from "@effect/platform/HttpClient"
import type { ConfigError } from "effect/ConfigError"
import type * as Layer from "effect/Layer"
import { describe, expect, test } from "tstyche"

type Services = UploadsService | FilesService | HttpClient | FileSystem | FileAccess | Md5Hasher

describe("NodeUploads", () => {
  test("needs nothing, and fails with ConfigError alone", () => {
    expect(NodeUploads.layer({ apiUrl: "http://127.0.0.1:4141/v1" })).type.toBe<Layer.Layer<Services>>()
    expect(NodeUploads.layerConfig()).type.toBe<Layer.Layer<Services, ConfigError>>()
  })
})
