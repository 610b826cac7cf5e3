import { FileId } from "@effect-uploads/domain/Ids"
import * as FilesClient from "@effect-uploads/http/FilesClient"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/* Reads a File from the service at the URL of its argument, and prints its id. Node reads NODE_EXTRA_CA_CERTS at its start. */

const [, , apiUrl] = process.argv

const program = Effect.flatMap(FilesService, (files) => files.retrieve(FileId.make("file-1"))).pipe(
  Effect.provide(Layer.provide(FilesClient.layer({ apiUrl }), NodeUploadsHttpClient.layer))
)

process.stdout.write((await Effect.runPromise(program)).id)
