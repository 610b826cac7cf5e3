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

/**
 * The share of each project, so that one API key cannot fill the disk for all.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  /** The maximum number of pending Uploads. `create` fails with `RateLimited` at the limit. */
  readonly pendingUploads: number
  /**
   * The maximum of the bytes that the Uploads and Files of a project store. `create` and `addPart` fail with `PermissionDenied`
   * beyond it.
   */
  readonly storedBytes: number
  /** The maximum number of requests that one server serves at the same time. Others get `RateLimited`. */
  readonly requestsInFlight: number
}

/**
 * The default of {@link ProjectLimits}: 10,000 pending Uploads, 1 TiB, and 1,000 requests in flight.
 *
 * @since 0.1.0
 * @category configuration
 */
export const defaultLimits: Limits = { pendingUploads: 10_000, storedBytes: 1024 ** 4, requestsInFlight: 1000 }

/**
 * The limits of every project: by default those of {@link defaultLimits}. Several servers on one database may exceed them by the
 * requests that they accept at the same moment.
 *
 * @example
 * ```ts
 * import { defaultLimits, ProjectLimits } from "@effect-uploads/server/Project"
 * import * as Layer from "effect/Layer"
 *
 * export const limits = Layer.succeed(ProjectLimits, { ...defaultLimits, storedBytes: 10 * 1024 ** 3 })
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class ProjectLimits extends Context.Reference<ProjectLimits>()<
  "@effect-uploads/server/ProjectLimits",
  Limits
>("@effect-uploads/server/ProjectLimits", { defaultValue: () => defaultLimits }) {}
