/**
 * Whose Uploads and Files a call is about.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"

/**
 * The name of a project: what an API key stands for. Another project's Uploads and Files do not exist for it.
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
 * The project that the current call is for: `default`, unless the authentication of the request provides another.
 *
 * @since 0.1.0
 * @category services
 */
export class CurrentProject extends Context.Reference<CurrentProject>()<
  "@effect-uploads/server/CurrentProject",
  ProjectId
>("@effect-uploads/server/CurrentProject", { defaultValue: () => ProjectId.make("default") }) {}
