import type { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import type { TransferError } from "@effect-uploads/transfer/TransferError"
import type { TransferEvent } from "@effect-uploads/transfer/TransferEvent"
import type { TransferOptions } from "@effect-uploads/transfer/TransferOptions"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Environment } from "./Environment.js"
import type { Source } from "./sources.js"

/** Sends what an argument names, and tells what happens. */
export const sendSource = (
  source: Source,
  options: TransferOptions
): Stream.Stream<
  TransferEvent,
  TransferError,
  FileSystem.FileSystem | HttpClient.HttpClient | Environment | UploadsService
> => {
  const named = { ...options, filename: source.name }
  switch (source._tag) {
    case "File":
      return Transfer.fileEvents(source.path, named)
    case "Stdin":
      return Stream.unwrap(Effect.map(Environment, ({ stdin }) => Transfer.streamEvents(stdin, named)))
    case "Url":
      return Transfer.urlEvents(source.url.toString(), named)
  }
}
