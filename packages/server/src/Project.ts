/**
 * The owner of Uploads and Files.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"

/**
 * The name of a project. Each API key belongs to one, and sees only the Uploads and Files of it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ProjectId = Schema.NonEmptyTrimmedString.pipe(
  Schema.brand("ProjectId"),
  Schema.annotations({ identifier: "ProjectId", description: "the non-empty name of a project" })
)

/**
 * @since 0.1.0
 * @category models
 */
export type ProjectId = typeof ProjectId.Type

/**
 * The project of the current call. The authentication of a request provides it; otherwise it is `default`.
 *
 * @since 0.1.0
 * @category services
 */
export class CurrentProject extends Context.Reference<CurrentProject>()<
  "@effect-uploads/server/CurrentProject",
  ProjectId
>("@effect-uploads/server/CurrentProject", { defaultValue: () => ProjectId.make("default") }) {}
