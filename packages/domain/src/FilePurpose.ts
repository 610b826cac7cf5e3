/**
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The purposes with which an Upload may be created. `assistants`, `batch`, `fine-tune` and `vision` are in the
 * OpenAPI document of the Uploads API; the official SDKs add `user_data` and `evals`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const UploadPurpose = Schema.Literal("assistants", "batch", "fine-tune", "vision", "user_data", "evals")

/**
 * @since 0.1.0
 * @category models
 */
export type UploadPurpose = typeof UploadPurpose.Type

/**
 * The purposes that the OpenAPI document lists for a File.
 *
 * @since 0.1.0
 * @category schemas
 */
export const DocumentedPurpose = Schema.Literal(
  "assistants",
  "assistants_output",
  "batch",
  "batch_output",
  "fine-tune",
  "fine-tune-results",
  "vision",
  "user_data"
)

/**
 * @since 0.1.0
 * @category models
 */
export type DocumentedPurpose = typeof DocumentedPurpose.Type

/**
 * The purpose of a file: one of the known purposes, or a newer one.
 *
 * @since 0.1.0
 * @category models
 */
export type FilePurpose = UploadPurpose | DocumentedPurpose | (string & {})

/**
 * @since 0.1.0
 * @category schemas
 */
export const FilePurpose: Schema.Schema<FilePurpose, string> = Schema.NonEmptyString.annotations({
  description: "a purpose such as assistants, batch, fine-tune, vision, user_data or evals",
  jsonSchema: { type: "string" }
})
