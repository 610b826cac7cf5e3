/**
 * The contract: the operations of the Uploads API, and those of the Files API that a completed Upload leads to, as groups of
 * an `HttpApi`.
 *
 * An application adds {@link UploadsGroup} and {@link FilesGroup} to its own `HttpApi`, with or without a prefix, and
 * implements them with `UploadsRoutes`.
 *
 * @since 0.1.0
 */
import { CompleteUpload } from "@effect-uploads/domain/CompleteUpload"
import { CreateUpload } from "@effect-uploads/domain/CreateUpload"
import { FileObject } from "@effect-uploads/domain/FileObject"
import { FileId, UploadId } from "@effect-uploads/domain/Ids"
import { Upload } from "@effect-uploads/domain/Upload"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { CreateFileRequest } from "./CreateFile.js"
import { DeleteFileResponse } from "./DeleteFile.js"
import type { Status } from "./ErrorEnvelope.js"
import { ErrorEnvelope } from "./ErrorEnvelope.js"
import { ListFilesResponse } from "./ListFiles.js"

/** The error response of an endpoint with one status. */
const failure = (status: Status) => ErrorEnvelope.annotations(HttpApiSchema.annotations({ status }))

/** Suspended, so that the document refers to the union by its name: an `HttpApi` would list its members. */
const AnyUpload = Schema.suspend(() => Upload).annotations({ identifier: "Upload" })

const uploadId = HttpApiSchema.param("upload_id", UploadId)

const fileId = HttpApiSchema.param("file_id", FileId)

/** Describes a parameter for the document only. The routes decode it, so that an invalid one gets the documented error response. */
const parameter = (jsonSchema: object) =>
  Schema.optional(Schema.Union(Schema.String, Schema.Array(Schema.String)).annotations({ jsonSchema }))

/**
 * The operations on Uploads, implemented by `UploadsRoutes.uploads`.
 *
 * @since 0.1.0
 * @category api
 */
export class UploadsGroup extends HttpApiGroup.make("uploads")
  .add(
    HttpApiEndpoint.post("createUpload", "/uploads")
      .setPayload(CreateUpload)
      .addSuccess(AnyUpload)
      .addError(failure(413))
      .addError(failure(415))
      .annotate(OpenApi.Identifier, "createUpload")
      .annotate(OpenApi.Summary, "Creates an Upload that Parts can be added to")
  )
  .add(
    HttpApiEndpoint.post("addUploadPart")`/uploads/${uploadId}/parts`
      .setPayload(
        HttpApiSchema.MultipartStream(
          Schema.Struct({ data: Schema.String.annotations({ jsonSchema: { type: "string", format: "binary" } }) })
        )
      )
      .addSuccess(UploadPart)
      .addError(failure(413))
      .addError(failure(415))
      .annotate(OpenApi.Identifier, "addUploadPart")
      .annotate(OpenApi.Summary, "Adds a Part to an Upload")
  )
  .add(
    HttpApiEndpoint.post("completeUpload")`/uploads/${uploadId}/complete`
      .setPayload(CompleteUpload)
      .addSuccess(AnyUpload)
      .addError(failure(413))
      .addError(failure(415))
      .annotate(OpenApi.Identifier, "completeUpload")
      .annotate(OpenApi.Summary, "Turns the Parts of an Upload into a File")
  )
  .add(
    HttpApiEndpoint.post("cancelUpload")`/uploads/${uploadId}/cancel`
      .addSuccess(AnyUpload)
      .annotate(OpenApi.Identifier, "cancelUpload")
      .annotate(OpenApi.Summary, "Cancels an Upload")
  )
  .addError(failure(400))
  .addError(failure(401))
  .addError(failure(403))
  .addError(failure(404))
  .addError(failure(429))
  .addError(failure(502))
  .addError(failure(503))
  .addError(failure(504))
  .annotate(OpenApi.Title, "Uploads")
{}

/**
 * The operations on Files, implemented by `UploadsRoutes.files`.
 *
 * @since 0.1.0
 * @category api
 */
export class FilesGroup extends HttpApiGroup.make("files")
  .add(
    HttpApiEndpoint.get("listFiles", "/files")
      .setUrlParams(Schema.Struct({
        purpose: parameter({ type: "string" }),
        limit: parameter({ type: "integer", default: 10_000 }),
        order: parameter({ type: "string", default: "desc", enum: ["asc", "desc"] }),
        after: parameter({ type: "string" })
      }))
      .addSuccess(ListFilesResponse)
      .annotate(OpenApi.Identifier, "listFiles")
      .annotate(OpenApi.Summary, "Lists Files")
  )
  .add(
    HttpApiEndpoint.post("createFile", "/files")
      .setPayload(HttpApiSchema.MultipartStream(CreateFileRequest))
      .addSuccess(FileObject)
      .addError(failure(415))
      .annotate(OpenApi.Identifier, "createFile")
      .annotate(OpenApi.Summary, "Creates a File from a whole file")
  )
  .add(
    HttpApiEndpoint.get("retrieveFile")`/files/${fileId}`
      .addSuccess(FileObject)
      .annotate(OpenApi.Identifier, "retrieveFile")
      .annotate(OpenApi.Summary, "Retrieves a File")
  )
  .add(
    HttpApiEndpoint.get("downloadFile")`/files/${fileId}/content`
      .addSuccess(HttpApiSchema.Uint8Array())
      .addSuccess(HttpApiSchema.Uint8Array(), { status: 206 })
      .addError(failure(412))
      .addError(failure(416))
      .annotate(OpenApi.Identifier, "downloadFile")
      .annotate(OpenApi.Summary, "Downloads the content of a File")
  )
  .add(
    HttpApiEndpoint.del("deleteFile")`/files/${fileId}`
      .addSuccess(DeleteFileResponse)
      .annotate(OpenApi.Identifier, "deleteFile")
      .annotate(OpenApi.Summary, "Deletes a File")
  )
  .addError(failure(400))
  .addError(failure(401))
  .addError(failure(403))
  .addError(failure(404))
  .addError(failure(429))
  .addError(failure(502))
  .addError(failure(503))
  .addError(failure(504))
  .annotate(OpenApi.Title, "Files")
{}

/**
 * Both groups and nothing else. `UploadsRoutes.layer` implements it.
 *
 * @since 0.1.0
 * @category api
 */
export class UploadsApi extends HttpApi.make("effect-uploads")
  .add(UploadsGroup)
  .add(FilesGroup)
  .annotate(OpenApi.Title, "Uploads and Files")
  .annotate(OpenApi.Description, "The Uploads operations of the OpenAI API, and the Files operations that they lead to")
{}
