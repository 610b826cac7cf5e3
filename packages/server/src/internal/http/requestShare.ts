import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { RateLimited } from "@effect-uploads/http/ServiceError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { ProjectId } from "../../Project.js"

/** A place becomes free when any request of the project ends. */
const retryAfter = Duration.seconds(1)

export const rateLimited = (message: string): RateLimited =>
  new RateLimited({
    retryAfter,
    response: new ErrorResponse({
      status: 429,
      type: "rate_limit_error",
      code: "too_many_requests_in_flight",
      message
    })
  })

/** Counts the requests in flight of every project. `acquire` counts one until the scope of the request closes. */
export const make = (limit: number) => {
  const counts = new Map<ProjectId, number>()
  const add = (project: ProjectId, difference: 1 | -1) => {
    const count = (counts.get(project) ?? 0) + difference
    if (count === 0) counts.delete(project)
    else counts.set(project, count)
  }
  const acquire = (project: ProjectId): Effect.Effect<void, RateLimited, Scope.Scope> =>
    Effect.flatMap(Effect.scope, (scope) =>
      Effect.suspend(() => {
        if ((counts.get(project) ?? 0) >= limit) {
          return rateLimited(
            `The project has ${limit} requests in flight, which is its limit. Wait until one has ended`
          )
        }
        add(project, 1)
        return Scope.addFinalizer(scope, Effect.sync(() => add(project, -1)))
      })).pipe(Effect.uninterruptible)
  return { acquire }
}
