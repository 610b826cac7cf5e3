import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as Either from "effect/Either"

/**
 * An id as one segment of a path. URLs resolve `.` and `..` even where they are percent-encoded, and a lone surrogate has no
 * encoding at all: such ids cannot be sent.
 */
export const segment = (field: string, id: string): Either.Either<string, InvalidRequest> =>
  Either.try({
    try: () => encodeURIComponent(id),
    catch: () => unsendable(field)
  }).pipe(Either.filterOrLeft((encoded) => encoded !== "." && encoded !== "..", () => unsendable(field)))

const unsendable = (field: string) =>
  new InvalidRequest({
    field,
    problem: "it cannot stand in the path of a URL",
    limit: "well-formed text other than `.` and `..`"
  })
