import * as BrowserUploads from "@effect-uploads/transfer/BrowserUploads"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as Effect from "effect/Effect"

export const send = (file: File) =>
  Transfer.blob(file, { purpose: "user_data" }).pipe(
    Effect.provide(BrowserUploads.layer({ apiUrl: "https://uploads.example.com/v1" }))
  )
